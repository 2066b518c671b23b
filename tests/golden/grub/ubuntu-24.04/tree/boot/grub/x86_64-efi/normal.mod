stand-in
