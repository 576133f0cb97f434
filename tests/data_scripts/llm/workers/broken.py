"""A worker that ends before it says anything."""
