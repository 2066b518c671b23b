"""Reading strangers' disks at arm's length: zygote, workers, and the broker's side of both."""
