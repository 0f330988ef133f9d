"""Words and terms that may stay in a de-identified object, and on its pixels: none of them names a person or a place.

A word is kept by being here, never by not looking like a name.
"""

from __future__ import annotations

VERSION = 1

_ULTRASOUND = """
breast breasts mamma mammary axilla axillary nipple areola areolar skin node nodes lymph quadrant upper lower inner outer
medial lateral central retroareolar left right bilateral both side clock ultrasound ultrasonography sonography sonogram us
mode b m color colour power doppler flow pulsed wave elastography strain shear harmonic compound imaging image images
single multi frame frames cine clip loop still screen capture secondary transverse sagittal longitudinal radial antiradial
orthogonal plane axial coronal oblique anterior posterior superior inferior view views exam examination study series scan
routine diagnostic screening follow up biopsy guidance guided core needle aspiration fine wire localisation localization
lesion lesions mass masses cyst cystic solid finding findings nodule tumour tumor abscess seroma hematoma haematoma duct
ductal segment segmentation segmented outline contour mask region roi measurement measurements report heatmap overlay
benign malignant normal suspicious reader model ai algorithm automatic semiautomatic manual software version tissue
fatty fibroglandular heterogeneous homogeneous background dense distance diameter length width height depth area perimeter
volume axis long short major minor angle ratio orientation of with and the in on at to by from no not for
probability probabilities attention saliency map evidence operating point calibrated uncertainty proposal edited
result results class classes category assessment research use only presentation state callipers calipers graphic layer
tracking identifier group container evaluation imaging assessment estimate estimates axes weights clinical decisions cancer
source stack px deg outlines measures findings notes network neural
"""
_DEVICES = """
ge healthcare logiq voluson vivid philips epiq affiniti iu siemens acuson sequoia healthineers samsung medison hologic
supersonic aixplorer canon toshiba aplio xario hitachi aloka arietta noblus esaote mylab mindray resona fujifilm sonosite
konica minolta ultrasonix butterfly clarius medical systems system ultrasound corporation busi viewer
"""
_DESCRIPTORS = """
shape oval round irregular parallel margin circumscribed indistinct angular microlobulated spiculated echo pattern anechoic
hyperechoic isoechoic hypoechoic complex posterior features enhancement shadowing combined calcifications architectural
distortion changes oedema edema vascularity absent internal vessels rim elasticity soft intermediate hard implant simple
"""
WORDS = frozenset(_ULTRASOUND.split()) | frozenset(_DEVICES.split()) | frozenset(_DESCRIPTORS.split())
"""Words of free text, case-folded. A number of at most three digits may follow one."""

_SETTINGS = """
mm cm ml m s ms sec min db hz khz mhz fps fr gn dr pers map mi ti tis tib tic prf wf sv ed ps ap mdr frq frequency gain
res pen gen fh zoom focus power chi thi sri cri cf pw cw bf fa lt rt lat med trans long sag rad arad trv dist circ vol
d1 d2 d3 d4 l1 l2 w h vel pat t n o c f p r x y z hr bpm lo hi auto opt dyn dynr comp smooth contrast
kpa cms cm2 mm2 cm3 area1 area2 dist1 dist2
"""
ON_SCREEN = WORDS | frozenset(_SETTINGS.split())
"""Words that may be left on the pixels: units, settings, body sides."""

_TERMS = """
YES, NO, Y, N, ON, OFF, SOLID, DASHED, CENTER, AI, CALLIPERS, NOTE, READER, OUTLINES, LESIONS, HEATMAP,
TRUE, FALSE, ORIGINAL, DERIVED, PRIMARY, SECONDARY, OTHER, NONE, MIXED, UNKNOWN, ISO_IR 192, ISO_IR 100, US,
SR, SEG, PR, OT, SC, DOC, MG, KO, IVUS, MONOCHROME1, MONOCHROME2, RGB, YBR_FULL, YBR_FULL_422, YBR_RCT, YBR_ICT,
PALETTE COLOR, 00, 01, 02, 03, BREAST, AXILLA, CHEST, SMALL_PARTS, SMALL PARTS, L, R, B, U, M, F, O, A, P, H, LEFT,
RIGHT, BOTH, UNPAIRED, ISO_10918_1, ISO_14495_1, ISO_15444_1, ISO_13818_2, ISO_14496_10, BINARY, FRACTIONAL, LABELMAP,
PROBABILITY, OCCUPANCY, AUTOMATIC, SEMIAUTOMATIC, MANUAL, SINGLE, MULTI, VOLUME, SAMPLED, DISTORTED, MONOCHROME,
COLOR, QUANTITATIVE, REALTIME, DYNAMIC, STATIC, CONTAINER, TEXT, NUM, CODE, DATETIME, DATE, TIME, UIDREF, PNAME,
IMAGE, COMPOSITE, WAVEFORM, SCOORD, SCOORD3D, TCOORD, CONTAINS, HAS OBS CONTEXT, HAS ACQ CONTEXT, HAS CONCEPT MOD,
HAS PROPERTIES, INFERRED FROM, SELECTED FROM, SEPARATE, CONTINUOUS, PARTIAL, COMPLETE, UNVERIFIED, VERIFIED,
PRELIMINARY, FINAL, DCMR, POINT, MULTIPOINT, POLYLINE, CIRCLE, ELLIPSE, ELLIPSOID, POLYGON, INTERPOLATED, PIXEL,
DISPLAY, MATRIX, IDENTITY, INVERSE, LINEAR, LINEAR_EXACT, SIGMOID, SCALE TO FIT, TRUE SIZE, MAGNIFY, NORMAL, REVERSED,
MODIFIED, REMOVED, UNMODIFIED, CM, US UNITS, IMMUTABLE, FRAME, VOI, RESCALE, ADD, REPLACE, COLORMAP, TISSUE, FLOW,
PHASED, CURVED, LINEAR_ARRAY, SECTOR, ULTRASOUND, ABDOMINAL, RENAL, OBSTETRICAL, GYNECOLOGY, SMALL_PART, DV, DI, WSD,
SD, SI, DRW, SYN, AUTO, VELOCITY, POWER, AMPLITUDE, REGULAR, DIRECT, INDIRECT
"""
TERMS = frozenset(term.strip() for term in _TERMS.replace("\n", " ").split(","))
"""Code strings (VR CS) that may stay."""
