"""DICOM files: reading pixels and calibration. The only room that imports pydicom."""

import logging
import warnings

from pydicom import config

# pydicom comments on every oddity of a file, at times with its values: nothing of that may reach a terminal or a log.
warnings.filterwarnings("ignore", module=r"pydicom(\.|$)")
logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)
config.settings.reading_validation_mode = config.IGNORE
