"""A request becomes a plan, and a plan a request again."""
