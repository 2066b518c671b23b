"""The language of clients and server: `org.bootd.Boot` over Varlink. Pure; shared by both sides."""
