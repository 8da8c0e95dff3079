# The command napari-dip, without napari and without a window:
#
#   docker build -t napari-dip .
#   docker run --rm -v "$PWD:/data" --user "$(id -u):$(id -g)" napari-dip denoise noisy.tif clean.tif
#
# TORCH_BACKEND chooses the build of PyTorch, as in `uv pip install --torch-backend`. "cpu" has no
# CUDA libraries, which take gigabytes. For a GPU: --build-arg TORCH_BACKEND=cu130, and
# `docker run --gpus all`.
ARG PYTHON=3.11

FROM python:${PYTHON}-slim AS build
ARG TORCH_BACKEND=cpu
ARG UV=0.13.8
ENV UV_TORCH_BACKEND=${TORCH_BACKEND} VIRTUAL_ENV=/opt/venv
WORKDIR /source
# pip cannot choose the build of PyTorch by a name. uv stays in this stage.
RUN python -m pip install --no-cache-dir "uv==${UV}" && uv venv "$VIRTUAL_ENV"
COPY . .
RUN uv pip install --no-cache --constraints constraints.txt ".[cluster]"

FROM python:${PYTHON}-slim
COPY --from=build /opt/venv /opt/venv
# A home that every --user may write: napari-dip caches measured times of the machine there.
ENV PATH=/opt/venv/bin:$PATH HOME=/tmp
USER 1000:1000
WORKDIR /data
ENTRYPOINT ["napari-dip"]
CMD ["--help"]
