"""Collection rounds: missions fill cells and submit them, approvers decide, and published values become observations."""
