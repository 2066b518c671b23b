"""Rules for boot options: resolving, menu order, default, countdown. Pure; time is an argument."""
