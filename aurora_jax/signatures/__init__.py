"""Signatures of paths, and the distance between two laws of paths that they give."""

from .augment import lead_lag as lead_lag
from .augment import time_augmented as time_augmented
from .kernel import SignatureKernel as SignatureKernel
from .kernel import gaussian_kernel as gaussian_kernel
from .kernel import signature_features as signature_features
from .kernel import signature_kernel as signature_kernel
from .kernel import with_time_and_lag as with_time_and_lag
from .mmd import signature_mmd as signature_mmd
from .normalise import RobustScale as RobustScale
from .normalise import robust_normalised as robust_normalised
from .normalise import robust_scale as robust_scale
from .permutation_test import signature_mmd_test as signature_mmd_test
from .signature import log_signature as log_signature
from .signature import signature as signature
