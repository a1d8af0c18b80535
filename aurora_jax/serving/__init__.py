"""The service without Ray: schemas, sessions, journal, application, HTTP interface."""

from .api import make_api as make_api
from .application import Application as Application
from .application import Arrival as Arrival
from .application import Readiness as Readiness
from .journal import Head as Head
from .journal import Journal as Journal
from .journal import JournalError as JournalError
from .journal import JournalFenced as JournalFenced
from .journal import verify_journal as verify_journal
from .locate import Location as Location
from .locate import locate as locate
from .outgoing import certificate_digest as certificate_digest
from .refusal import Refusal as Refusal
from .schemas import BarRequest as BarRequest
from .schemas import PredictRequest as PredictRequest
from .schemas import PredictResponse as PredictResponse
from .schemas import Problem as Problem
from .session import Session as Session
