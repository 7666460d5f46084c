"""Cut patches from the scenes and inventories of events."""
