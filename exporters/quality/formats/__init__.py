"""Result files of evaluation libraries, one file each with the constant `FORMAT`."""
