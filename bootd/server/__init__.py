"""The Varlink server on the unix socket: connections, access, views."""
