"""The gateway: machines with a certificate select what this one boots. A process without rights."""
