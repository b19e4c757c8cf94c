"""What a picture carries: our plan, A1111's text, and what other programs write."""
