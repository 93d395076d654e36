"""Running the stack: native processes, the demo fleet and the story that the demo tells."""
