"""Picture files: loaded, fitted, masked; the texts they carry; sheets and animations."""
