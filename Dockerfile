# One image for web, worker, sweeper and prepare; docker-compose.yml says which.
FROM python:3.11-slim

ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
RUN useradd --create-home --uid 10001 baimo \
 && mkdir /data && chown baimo /data
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir --requirement requirements.txt
COPY --chown=root:root manage.py ./
COPY --chown=root:root registry registry
COPY --chown=root:root lineage lineage
COPY --chown=root:root templates templates
COPY --chown=root:root static static
USER baimo
VOLUME /data
EXPOSE 8000
