"""Programs that wake every 30 seconds and do next to nothing: what a user would otherwise have in memory.

Each takes two arguments, its database and the socket to say READY on.
"""

BARE = """
import smtplib, email.message, email.policy, signal, socket, sys
import jinja2
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session
engine = create_engine("sqlite:///" + sys.argv[1])
jinja2.Environment().from_string("{{ a }}").render(a=1)
def job():
    with Session(engine) as session:
        session.execute(text("SELECT 1"))
scheduler = BackgroundScheduler()
scheduler.add_job(job, "interval", seconds=30)
scheduler.start()
job()
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
    told.sendto(b"READY=1", sys.argv[2])
signal.sigwait([signal.SIGTERM])
"""
"""APScheduler, SQLAlchemy, Jinja and smtplib, one engine open."""
DJANGO = """
import socket, sys, time
import django
from django.conf import settings
databases = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": sys.argv[1]}}
settings.configure(DATABASES=databases, INSTALLED_APPS=["django.contrib.contenttypes"], USE_TZ=True)
django.setup()
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
call_command("migrate", verbosity=0)
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
    told.sendto(b"READY=1", sys.argv[2])
while True:
    list(ContentType.objects.all())
    time.sleep(30)
"""
"""A bare Django loop over its ORM."""
CELERY = """
import socket, sys
from celery import Celery, signals
app = Celery("floor", broker=f"sqla+sqlite:///{sys.argv[1]}", broker_connection_retry_on_startup=True)
app.conf.update(
    beat_schedule={"job": {"task": "job", "schedule": 30.0}},
    beat_schedule_filename=f"{sys.argv[1]}-schedule",
)
@app.task(name="job", ignore_result=True)
def job():
    pass
@signals.worker_ready.connect
def ready(**_):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.sendto(b"READY=1", sys.argv[2])
app.worker_main(["worker", "--pool", "solo", "--beat", "--loglevel", "WARNING", "--concurrency", "1"])
"""
"""Celery with one worker in its own process and beat beside it; its broker is a SQLite file, as ours is: no server."""
