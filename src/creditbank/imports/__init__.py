"""Files of certificates from issuers: received, read apart under limits, judged row by row, awarded chunk by chunk."""
