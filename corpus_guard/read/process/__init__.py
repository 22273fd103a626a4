"""Reading in a process of its own, so that a parser's crash, hang or hunger is one failure."""
