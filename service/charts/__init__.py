"""Charts and the process that draws them."""
