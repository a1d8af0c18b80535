"""Convex optimisation with structure: interior-point method, cones, hinge programs."""

from . import budget_box as budget_box
from . import second_order_cone as second_order_cone
from .clarabel_reference import clarabel_reference as clarabel_reference
from .hinge_motion import HingeMotion as HingeMotion
from .hinge_motion import hinge_motion as hinge_motion
from .hinge_program import HingeProgram as HingeProgram
from .hinge_solver import HingeSolution as HingeSolution
from .hinge_solver import minimise_hinges as minimise_hinges
from .interior_point import AbstractConicProgram as AbstractConicProgram
from .interior_point import Cone as Cone
from .interior_point import Scaling as Scaling
from .interior_point import Solution as Solution
from .interior_point import solve as solve
from .norm_penalty import AbstractNorm as AbstractNorm
from .norm_penalty import EuclideanNorm as EuclideanNorm
from .norm_penalty import MaximumNorm as MaximumNorm
from .screening import Screened as Screened
from .screening import screen as screen
