"""All that is asked of git. `process` alone starts it; `questions` holds a function for each question; the rest makes sources out of the answers."""
