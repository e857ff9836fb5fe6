"""History: append and read. The only room that imports the eventsourcing library."""
