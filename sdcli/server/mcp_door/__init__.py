"""An assistant's door: tools that draw and look, over the Model Context Protocol."""
