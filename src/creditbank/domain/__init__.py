"""What is true of a credit bank: pure rules over events, with no input, output, clock or randomness."""
