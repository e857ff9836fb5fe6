"""What creditbank is compared with: small honest programs, as their own documentation would have one write them."""
