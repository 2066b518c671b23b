"""The menu on a console: a client of bootd with two faces, a screen and plain lines.

    bootd.client --events--> session --> state.reduce --> MenuState --> pages --> LineView   screen
                 <-requests-                                        --> announce --> lines  plain

All decisions are in `state` (pure); a face turns keys into actions and a state into text.
"""
