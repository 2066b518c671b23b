"""Services: asyncio tasks that own state, sequence and failure; rules are in the layers below."""
