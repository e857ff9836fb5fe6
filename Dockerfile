# syntax=docker/dockerfile:1
FROM python:3.13-slim AS build
WORKDIR /src
COPY requirements/runtime.lock requirements/runtime.lock
RUN python -m venv /opt/creditbank \
 && /opt/creditbank/bin/pip install --no-cache-dir --require-hashes -r requirements/runtime.lock
COPY pyproject.toml README.md LICENSE ./
COPY src src
COPY migrations migrations
RUN /opt/creditbank/bin/pip install --no-cache-dir --no-deps .

FROM python:3.13-slim
RUN useradd --system --uid 10001 --home-dir /var/lib/creditbank --create-home creditbank
COPY --from=build /opt/creditbank /opt/creditbank
ENV PATH=/opt/creditbank/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    CREDITBANK_DATABASE_URL=sqlite:////var/lib/creditbank/creditbank.db \
    CREDITBANK_DATA_DIR=/var/lib/creditbank/data
USER 10001
VOLUME /var/lib/creditbank
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=3s --start-period=10s \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/livez', timeout=2)"]
ENTRYPOINT ["creditbank"]
CMD ["serve", "--host", "0.0.0.0"]
