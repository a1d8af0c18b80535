"""Signatures of paths, and the distance between two laws of paths that they give."""

from .augment import lead_lag as lead_lag
from .augment import time_augmented as time_augmented
from .mmd import gaussian_kernel as gaussian_kernel
from .mmd import pooled_features as pooled_features
from .mmd import signature_mmd as signature_mmd
from .mmd import with_time_and_lag as with_time_and_lag
from .normalise import robust_normalised as robust_normalised
from .permutation_test import signature_mmd_test as signature_mmd_test
from .signature import log_signature as log_signature
from .signature import signature as signature
