"""What wakes people: one file is one question. Recordings that alerts read are in `recorded`."""
