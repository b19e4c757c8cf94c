"""What every CLIP text encoder has in common, and the names that embeddings give to them."""

from __future__ import annotations

CHUNK_LENGTH = 75  # tokens: CLIP's 77 places less the start and the end
CLIP_L, CLIP_H, CLIP_G = "clip_l", "clip_h", "clip_g"  # of SD 1 and SDXL; of SD 2; SDXL's second
WIDTHS = (768, 1024, 1280)  # of the vectors of CLIP L, H and G
BUNDLED = "bundle_emb."  # an embedding inside a LoRA: bundle_emb.WORD.string_to_param.*
