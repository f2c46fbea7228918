"""Other engines on the matcher's tasks, each in a process of its own: one of them may crash, and what they keep does not weigh on ours."""
