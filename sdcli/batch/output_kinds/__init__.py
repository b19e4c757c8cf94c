"""What a batch is written as: one file and one row of the table a kind."""
