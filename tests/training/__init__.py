"""The training code in `train/`. Another name than its own, for Python knows both folders by their last name."""
