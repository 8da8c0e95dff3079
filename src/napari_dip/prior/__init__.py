"""One block, one network: the prior, its optimiser, its operators and its stopping."""
