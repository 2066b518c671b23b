"""The only package that talks to the kernel: one function per call, OSError out, no policy."""
