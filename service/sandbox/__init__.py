"""SQL that nobody vouches for, in processes of its own that hold nothing and may do nothing but read one copy."""
