"""From the outputs of an object detector to boxes; the files that a bundle takes to the board need numpy alone."""
