"""The only package that talks to the kernel: one function per call, arguments in, OSError out, no policy."""
