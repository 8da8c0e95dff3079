"""Explain each control of the panels in one or two sentences."""

from __future__ import annotations

from typing import Final

IMAGE: Final = "The Image layer to restore. The layer does not change."

OPEN: Final = (
    "Open CZI, ND2, LIF, OME-Zarr, TIFF and PNG with axes, pixel sizes and channels. Several files "
    "are opened as one series, by the numbers in their names. Values are read when they are needed."
)

# Axes
AXES: Final = (
    "One letter for each axis of the image: T time, C channels, Z, Y, X, or ? for another meaning. "
    "Press Enter; the layer keeps them as its axis labels."
)
VOXEL_SIZE: Final = (
    "Distance between neighbouring pixels; empty if it is not known. Press Enter; the layer keeps "
    "it as its scale and units, and its pixels stay the same."
)
UNIT: Final = "The unit of the numbers beside it."
CHANNELS: Final = (
    "One by one: each channel is restored alone. Together: all channels of a plane at once, in "
    "half the time, and better where they show the same structures."
)

# Denoise and Super-resolution
ARTEFACT: Final = "Remove camera noise, or the blocks of JPEG compression."
AXIS: Final = (
    "Y and X: smaller pixels in each plane. Z: more planes in a z-stack, by the factor or until "
    "the voxels are nearly cubic."
)
FACTOR: Final = "How many times smaller the pixels become along each axis."
DOWNSAMPLING: Final = (
    "How the large pixels arose: by a resampling filter, or by the camera, which sums over each "
    "pixel (binning). Along Z it is the slice profile."
)

# Inpaint
MASK: Final = (
    "The layer that marks the pixels to fill: Labels, Shapes, or an image that is thresholded at "
    "half of its grey levels. It may have another pixel grid. One plane applies to a whole stack."
)
NEW_MASK: Final = "Add a Labels layer on the pixels of the image, and select the brush."
SUGGEST_MASK: Final = (
    "Find saturated, hot, dead and non-finite pixels, and add them as a Labels layer with one "
    "label for each kind."
)
MARKS: Final = (
    "Whether painted (or bright) pixels are the ones to fill, or the known ones as in most "
    "published masks."
)
LABEL: Final = "The label that marks pixels; 'any' is every label except 0."
PLANES: Final = (
    "The mask has fewer dimensions than the image. It applies to every plane, or only to the "
    "plane that is shown."
)
KEEP_KNOWN: Final = (
    "Pixels that are not filled keep their exact values. Otherwise the network denoises the whole "
    "image."
)
MATCH_NOISE: Final = (
    "Add noise like that of the image to the filled pixels, so that they look like their "
    "surroundings. It is random: for display, not for measurements."
)
OUTLINE: Final = "Draw the mask as an outline, to see the pixels under it."
GAP_TYPE: Final = "The shape of the gaps. The published method chooses its network by it."

# Deconvolve
PSF_SOURCE: Final = (
    "What the microscope makes of a point. It is computed from the numbers of the optics, measured "
    "in the image of a small bead, or a Gaussian of a known width."
)
MODALITY: Final = "The kind of microscope. Its image file may tell it."
NA: Final = "Numerical aperture, which is written on the objective: of 63x/1.4 it is 1.4."
IMMERSION: Final = (
    "What is between the objective and the cover slip: oil, water, glycerol, silicone, air, or "
    "its refractive index."
)
EMISSION: Final = (
    "Wavelength of the emitted light, in nm: the middle of the emission filter. Of an image with "
    "an axis of channels, one for all, or one for each: 461, 520, 600."
)
EXCITATION: Final = (
    "Wavelength of the laser, in nm. Of a confocal microscope 30 nm below the emission, if empty."
)
PINHOLE: Final = "Diameter of the pinhole, in Airy units."
SHEET: Final = "Full width of the light sheet at half of its maximum, along Z, in µm."
SAMPLE_INDEX: Final = (
    "Refractive index of the sample, or water, glycerol …; that of the immersion, if empty."
)
DEPTH: Final = (
    "Depth of the structure below the cover slip, in µm. It matters if sample and immersion have "
    "different indices."
)
SPHERICAL: Final = (
    "Spherical aberration in waves, -0.5 to 0.5; none, if empty. It makes the light on one side of "
    "the focus wider than on the other."
)
ASTIGMATISM: Final = (
    "Astigmatism in waves, 0 to 0.5; none, if empty. It makes a point long in one direction before "
    "the focus, and across it after the focus."
)
ASTIGMATISM_ANGLE: Final = "Angle of the astigmatism in degrees, from X to Y."
ESTIMATE_ABERRATIONS: Final = (
    "Estimate both aberrations from the image, in up to a minute. It needs a widefield z-stack "
    "that is restored as a volume, and numbers of the optics above."
)
BEAD: Final = (
    "A layer with the image of one bead that is smaller than the resolution, with the axes Y and "
    "X or Z, Y and X. Its background is subtracted; it is centred, and resampled to the pixels of "
    "the image."
)
OPEN_BEAD: Final = "Open the image of a bead as a hidden layer, and choose it."
FULL_WIDTH: Final = (
    "Full width of the blur at half of its maximum; or one for each axis, such as 4, 2.5, 2.5 for "
    "Z, Y and X."
)
STACK: Final = (
    "As a volume: light out of focus is put back into its plane. Plane by plane: each plane alone, "
    "in less time and memory."
)
SHOW_PSF: Final = (
    "Add the point spread function as a layer in the middle of the image, with its size in the "
    "units of the image."
)

# Advanced settings
PRESET: Final = (
    "fast: a non-local filter and one small network. best: an ensemble of four, for single planes "
    "averaged with the filter alone; with the uncertainty."
)
PUBLISHED: Final = (
    "The preset 'paper': networks, optimiser and iterations of Ulyanov et al. (2020), for "
    "comparison with the literature. Some hundred times slower than fast, and not better."
)
ITERATIONS: Final = "The maximum number of iterations per plane; 0 is the default of the preset."
STOP: Final = "When to stop early, before the network fits the noise."
NOISE: Final = (
    "What is known about the noise. Estimated: gain and read noise are estimated from the image. "
    "Estimated, constant: one standard deviation is estimated. None: there is no noise, and "
    "super-resolution does not denoise first."
)
NOISE_LEVEL: Final = "Standard deviation of the noise, in the intensity units of the image."
GAIN: Final = "Grey values per photon; 0 if the noise does not depend on the intensity."
OFFSET: Final = "Grey value without light."
READ_NOISE: Final = (
    "Standard deviation of the noise without light, in grey values: electrons × gain."
)
BAD_PIXELS: Final = (
    "Treat single pixels that differ from all their neighbours by more than the noise as missing. "
    "Spots of the specimen that are narrower than 1.5 pixels may be taken for them."
)
CONSERVE_TOTAL: Final = (
    "Add a constant to each plane of the result, so that it has the total intensity of the input."
)
UNCERTAINTY: Final = (
    "Add a hidden layer: the truth lies within plus or minus its values in 90 % of the pixels. It "
    "takes two further fits. The preset 'best' always does."
)
SEED: Final = "Seed of the random numbers. The same seed gives the same result."
DEVICE: Final = "Where to compute; automatic uses a graphics card if there is one."
KEEP_ALL_PREVIEWS: Final = (
    "At the end of each run, add its previews as one hidden layer with an axis for the iteration, "
    "as Keep history does. It needs at most 256 MB."
)

# Output and computing
SAVE_TO: Final = (
    "Keep the result in memory, or write it to an OME-Zarr during the run: for results larger than "
    "memory, and for runs that can be resumed after a crash."
)
FOLDER: Final = (
    "The folder to write; its name ends in .ome.zarr. It follows the image and the task until you "
    "type another one or clear the line. The uncertainty is written beside it."
)
COMPUTING: Final = (
    "Compute in this process, in several processes of this computer, or on the workers of a "
    "running dask scheduler. The result is the same."
)
PROCESSES: Final = "Number of processes. Each needs the memory of one run."
ADDRESS: Final = (
    "Address of the scheduler, as `dask scheduler` prints it. Its workers need the same versions "
    "of napari-dip and torch."
)
BACKUP_SHOWN: Final = "A layer of the viewer shows it."

# Runs
OPEN_SAMPLE: Final = "Open an image to try this panel on."
RUN: Final = "Restore the image into a new layer."
PAUSE: Final = "Pause at the next iteration."
RESUME: Final = "Continue after the pause."
STOP_RUN: Final = "End the run and keep the best result so far."
DISCARD: Final = "End the run and remove its result."
TRY_HERE: Final = (
    "Restore only the visible part of the current plane, or the rectangle in a selected Shapes "
    "layer. The result is placed over it."
)
APPLY_TO_STACK: Final = (
    "Restore the whole image or stack like the last trial: with the same settings and iterations, "
    "plane by plane."
)

# Batch
BATCH_OF: Final = "What is restored one after another: layers, or image files without opening them."
FILES_IMAGES: Final = (
    "A folder of images, whose subfolders are not searched; a plate in OME-Zarr, or a well of it; "
    "or several files."
)
FILES_PATTERN: Final = (
    "Which names in the folder count: * stands for any characters, as in *_ch1.tif. Empty for all "
    "images."
)
FILES_RESULTS: Final = (
    "The folder of the results, which is made; each has the name of its image. The result of an "
    "OME-Zarr is one, others are OME-TIFF. Of a plate it is a plate: end it in .ome.zarr."
)
FILES_OVERWRITE: Final = (
    "Replace results of other settings or of another image. Those with the same settings are "
    "never computed again."
)
FILES_RUN: Final = (
    "Restore the images one after another with the settings above, except those that are done. One "
    "that fails does not stop the others."
)
FILES_STOP: Final = (
    "End the run. Results that are complete stay; Run all goes on with the others, and resumes an "
    "OME-Zarr."
)
FILES_LIST: Final = "The images with their states. Choose one to read its details below."
FILES_MASK: Final = (
    "A mask for all images, with the same meaning as Painted pixels above. Save the mask layer to "
    "use it here."
)
BATCH: Final = "The layers to restore, with their status. Delete removes one."
BATCH_ADD: Final = "Add the Image layers that are selected in the layer list."
BATCH_RUN: Final = (
    "Restore the layers one after another with the settings above. Stop ends the current layer, "
    "Discard ends all."
)
BATCH_CLEAR: Final = "Clear the list; the layers stay."

# Results
CURVE: Final = (
    "The loss and the noise criterion of the stopping rule, each on its own logarithmic scale. "
    "Dashed: the best iteration so far. Solid: where the rule stopped. Dotted: "
    "where super-resolution begins, after denoising. Click to show the image of "
    "an iteration."
)
HISTORY: Final = "Show the image at earlier iterations; the result is on the right."
HISTORY_LIVE: Final = "Show the image at earlier iterations; the latest is on the right."
STRENGTH: Final = (
    "How much of the restoration is applied: 100 % is the result, 0 % the input. Nothing is "
    "computed again, and it can be changed back; the metadata of the layer record it."
)
COMPARE: Final = (
    "Show the input left of a line on the canvas, and the result right of it. Drag the line, or "
    "move it with the arrow keys. Both have the same contrast limits; afterwards all is as before. "
    "In the 2-D view."
)
WIPE_LINE: Final = "Drag to see more of the input or of the result; arrow keys move it too."
PROFILE: Final = (
    "Plot the input and the result along a line: the one in the selected Shapes layer, or a new "
    "one. Move the line with the tool Select shapes: the plot follows."
)
PROFILE_PLOT: Final = (
    "Intensities along the line, in the units of the image: dashed the input, solid the result."
)
USE_AS_RESULT: Final = "Make the shown image the result; its metadata record this."
KEEP_AS_LAYER: Final = "Add a copy of the shown image as a layer."
ADD_RESULT: Final = "Add the result of the run as a layer."
KEEP_HISTORY: Final = "Add all frames as one layer with an axis for the iteration."
RESUME_REST: Final = "Restore the planes that the stopped run has left; the others stay."
CONTINUE: Final = "Continue the run from its end, with the same network."
MORE: Final = "Number of additional iterations for Continue."
SAVE: Final = (
    "Write the selected result, or else the last one, to OME-TIFF, OME-Zarr, TIFF or PNG, with "
    "pixel sizes, position, channels and the record of the run."
)
RESIDUAL: Final = (
    "Add what the restoration removed as a layer: the input minus the result, in the units of the "
    "input. Only noise should be in it; the text below says whether it is."
)
REPORT: Final = (
    "Write a report on the result for a referee: pictures, settings, checks and a paragraph for "
    "the methods section, as one web page or JSON."
)
METHODS: Final = "Copy a paragraph for the methods section, with its references."
REPORT_UNCERTAINTY: Final = (
    "In the report: intervals that contain the truth in 90 % of the pixels. Takes about two runs."
)
REPORT_RESOLUTION: Final = (
    "In the report: the resolution of input and result by Fourier ring correlation. Takes about "
    "two runs."
)
REPORT_INVENTED: Final = (
    "In the report: how much structure the same settings find in pure noise. Takes about one run."
)
COPY_PYTHON: Final = (
    "Copy Python code that reproduces the selected layer, or else the last result, with the same "
    "seed and settings."
)
COPY_COMMAND: Final = (
    "Copy a shell command that reproduces the selected layer, or else the last result, from file "
    "to file."
)
LOAD_SETTINGS: Final = (
    "Set the controls to the settings of the selected layer, or else of the last result."
)
