"""A province to look at: invented schools, learners and certificates, loaded into a bank through its own HTTP API."""
