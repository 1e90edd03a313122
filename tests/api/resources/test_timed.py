"""Fine-tuning jobs, videos, runs of evals and files of vector stores that take time."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from openai_mockserver import MockOpenAI, MockServerError

openai = pytest.importorskip("openai")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Sora


@pytest.fixture
def mock() -> Iterator[MockOpenAI]:
    with MockOpenAI(job_seconds=80) as mock:
        yield mock


@pytest.fixture
def client(mock: MockOpenAI) -> Any:
    return mock.client(max_retries=0, _strict_response_validation=True)


def list_sent(mock: MockOpenAI) -> list[tuple[str, str]]:
    """Return the types of the webhooks that were sent, with the ids in them."""
    mock.webhooks.wait()
    return [(one.type, one.event["data"]["id"]) for one in mock.webhooks.deliveries]


# Videos


def test_a_video_makes_progress(mock: MockOpenAI, client: Any) -> None:
    mock.webhooks.to(lambda request: 200)
    video = client.videos.create(prompt="A cat", seconds="4", size="1280x720")
    polled = [client.videos.retrieve(video.id) for _ in range(4)]
    states = [(one.status, one.progress) for one in (video, *polled)]
    assert states == [
        ("queued", 0),
        ("in_progress", 0),
        ("in_progress", 33),
        ("in_progress", 66),
        ("completed", 100),
    ]
    assert (video.completed_at, polled[-1].completed_at) == (None, video.created_at + 80)
    assert list_sent(mock) == [("video.completed", video.id)]
    assert client.videos.list().data == [polled[-1]]


def test_the_content_of_a_video_is_an_mp4_when_it_is_ready(mock: MockOpenAI, client: Any) -> None:
    video = client.videos.create(prompt="A cat", seconds="4", size="1280x720")
    with pytest.raises(openai.NotFoundError, match="not ready yet: its status is queued"):
        client.videos.download_content(video.id)
    mock.jobs.finish(video.id)
    content = client.videos.download_content(video.id)
    assert content.response.headers["content-type"] == "video/mp4"
    assert content.read()[4:8] == b"ftyp"


def test_a_video_may_fail(mock: MockOpenAI, client: Any) -> None:
    mock.webhooks.to(lambda request: 200)
    video = client.videos.remix("video_1", prompt="A dog")
    client.videos.retrieve(video.id)
    client.videos.retrieve(video.id)
    mock.jobs.fail(video.id, "Your request was blocked.", "moderation_blocked")
    failed = client.videos.retrieve(video.id)
    assert (failed.status, failed.progress, failed.completed_at) == ("failed", 33, None)
    assert failed.error.to_dict() == {
        "code": "moderation_blocked",
        "message": "Your request was blocked.",
    }
    assert list_sent(mock) == [("video.failed", video.id)]


def test_the_poller_of_the_sdk_obeys_the_header(client: Any) -> None:
    sleeps: list[float] = []
    client.videos._sleep = sleeps.append
    video = client.videos.create_and_poll(prompt="A cat")
    assert (video.status, sleeps) == ("completed", [0.001] * 3)


def test_a_deleted_video_stays_deleted(mock: MockOpenAI, client: Any) -> None:
    video = client.videos.create(prompt="A cat")
    client.videos.delete(video.id)
    mock.webhooks.advance(100)
    with pytest.raises(openai.NotFoundError):
        client.videos.retrieve(video.id)
    assert client.videos.list().data == []


# Fine-tuning


def start_tuning(client: Any, **more: Any) -> Any:
    example = {"messages": [{"role": "user", "content": "Hi"}]}
    data = "\n".join([json.dumps(example)] * 10).encode()
    file = client.files.create(file=data, purpose="fine-tune")
    return client.fine_tuning.jobs.create(model="gpt-4o-mini", training_file=file.id, **more)


def test_a_fine_tuning_job_goes_through_its_states(mock: MockOpenAI, client: Any) -> None:
    mock.webhooks.to(lambda request: 200)
    job = start_tuning(client, suffix="pets")
    states = [job.status]
    for _ in range(7):
        mock.webhooks.advance(10)
        (job,) = client.fine_tuning.jobs.list().data
        states.append(job.status)
    assert states == ["validating_files", "queued", *["running"] * 6]
    assert (job.finished_at, job.fine_tuned_model, job.result_files) == (None, None, [])
    assert job.estimated_finish == job.created_at + 80
    job = client.fine_tuning.jobs.retrieve(job.id)
    assert (job.status, job.finished_at) == ("succeeded", job.created_at + 80)
    assert job.fine_tuned_model.startswith("ft:gpt-4o-mini:mockserver:pets:")
    assert job.trained_tokens > 0
    assert job.hyperparameters.n_epochs == 3
    lines = client.files.content(job.result_files[0]).text.splitlines()
    assert (lines[0], len(lines)) == ("step,train_loss,train_accuracy", 31)
    assert list_sent(mock) == [("fine_tuning.job.succeeded", job.id)]


def test_it_tells_what_has_happened(mock: MockOpenAI, client: Any) -> None:
    jobs = client.fine_tuning.jobs
    id = start_tuning(client).id
    seen: list[str] = []
    for _ in range(9):
        events = list(jobs.list_events(id))[::-1]
        assert [event.message for event in events][: len(seen)] == seen
        seen = [event.message for event in events]
        mock.webhooks.advance(10)
    assert seen[:4] == [
        f"Created fine-tuning job: {id}",
        f"Validating training file: {jobs.retrieve(id).training_file}",
        "Files validated, moving job to queued state",
        "Fine-tuning job started",
    ]
    model = jobs.retrieve(id).fine_tuned_model
    assert seen[-2:] == [
        f"New fine-tuned model created: {model}",
        "The job has successfully completed",
    ]
    metrics = [event.data for event in events if event.type == "metrics"]
    assert [one["step"] for one in metrics] == list(range(1, 31))
    assert metrics[0]["train_loss"] > metrics[-1]["train_loss"]
    checkpoints = jobs.checkpoints.list(id).data
    assert [one.step_number for one in checkpoints] == [30, 20, 10]
    assert [one.fine_tuned_model_checkpoint for one in checkpoints] == [
        model,
        f"{model}:ckpt-step-20",
        f"{model}:ckpt-step-10",
    ]


def test_a_paused_job_loses_no_progress(mock: MockOpenAI, client: Any) -> None:
    mock.webhooks.to(lambda request: 200)
    jobs = client.fine_tuning.jobs
    id = start_tuning(client).id
    mock.webhooks.advance(70)
    assert jobs.pause(id).status == "queued"
    mock.webhooks.advance(1000)
    assert jobs.pause(id).status == "queued"
    assert list_sent(mock) == []
    assert jobs.resume(id).status == jobs.resume(id).status == "running"
    mock.webhooks.advance(9)
    assert list_sent(mock) == []
    mock.webhooks.advance(1)
    assert list_sent(mock) == [("fine_tuning.job.succeeded", id)]
    with pytest.raises(openai.BadRequestError, match="Cannot pause job"):
        jobs.pause(id)


def test_a_job_that_is_finished_early_has_made_all_its_steps(mock: MockOpenAI, client: Any) -> None:
    id = start_tuning(client).id
    mock.jobs.finish(id)
    assert len(client.fine_tuning.jobs.checkpoints.list(id).data) == 3
    assert client.fine_tuning.jobs.retrieve(id).status == "succeeded"


@pytest.mark.parametrize("is_paused", [False, True])
@pytest.mark.parametrize("how", ["fail", "cancel"])
def test_a_job_may_end_otherwise(mock: MockOpenAI, client: Any, how: str, is_paused: bool) -> None:
    mock.webhooks.to(lambda request: 200)
    jobs = client.fine_tuning.jobs
    id = start_tuning(client).id
    mock.webhooks.advance(50)
    if is_paused:
        jobs.pause(id)
        mock.webhooks.advance(1000)
    if how == "fail":
        mock.jobs.fail(id, "The job failed due to an invalid file.", "invalid_training_file")
    else:
        assert jobs.cancel(id).status == "cancelled"
    job = jobs.retrieve(id)
    status, message = {
        "fail": ("failed", "The job failed due to an invalid file."),
        "cancel": ("cancelled", "Fine-tuning job cancelled"),
    }[how]
    assert (job.status, job.finished_at) == (status, job.created_at + 50)
    assert (job.error and job.error.code) == {"fail": "invalid_training_file", "cancel": None}[how]
    assert jobs.list_events(id).data[0].message == message
    assert [one.step_number for one in jobs.checkpoints.list(id).data] == [10]
    assert list_sent(mock) == [(f"fine_tuning.job.{status}", id)]
    with pytest.raises(openai.BadRequestError, match=f"with status '{status}'"):
        jobs.cancel(id)


# Evals


def start_run(client: Any, count: int = 4) -> Any:
    eval = client.evals.create(
        data_source_config={"type": "custom", "item_schema": {"type": "object"}},
        testing_criteria=[
            {
                "type": "string_check",
                "name": "same",
                "input": "{{item.a}}",
                "operation": "eq",
                "reference": "1",
            }
        ],
    )
    content = [{"item": {"a": str(n)}} for n in range(count)]
    source = {"type": "jsonl", "source": {"type": "file_content", "content": content}}
    return client.evals.runs.create(eval.id, data_source=source)


def test_a_run_grades_its_items(mock: MockOpenAI, client: Any) -> None:
    mock.webhooks.to(lambda request: 200)
    run = start_run(client)
    runs = client.evals.runs
    seen = [(run.status, 0)]
    for _ in range(4):
        polled = runs.retrieve(run.id, eval_id=run.eval_id)
        items = runs.output_items.list(run.id, eval_id=run.eval_id, order="asc").data
        assert polled.result_counts.passed == len(items)
        seen.append((polled.status, len(items)))
    assert seen == [
        ("queued", 0),
        ("in_progress", 0),
        ("in_progress", 1),
        ("in_progress", 2),
        ("completed", 4),
    ]
    assert polled.result_counts.total == 4
    assert [one.to_dict() for one in polled.per_testing_criteria_results] == [
        {"testing_criteria": "same", "passed": 4, "failed": 0}
    ]
    assert [one.datasource_item for one in items] == [{"a": str(n)} for n in range(4)]
    assert [one.results[0].name for one in items] == ["same"] * 4
    shown = runs.output_items.retrieve(items[0].id, run_id=run.id, eval_id=run.eval_id)
    assert shown.to_dict() == items[0].to_dict()
    assert list_sent(mock) == [("eval.run.succeeded", run.id)]


@pytest.mark.parametrize("how", ["fail", "cancel"])
def test_a_run_may_end_otherwise(mock: MockOpenAI, client: Any, how: str) -> None:
    mock.webhooks.to(lambda request: 200)
    run = start_run(client)
    if how == "fail":
        mock.jobs.fail(run.id, "Oh", "server_error")
    else:
        client.evals.runs.cancel(run.id, eval_id=run.eval_id)
    status = {"fail": "failed", "cancel": "canceled"}[how]
    (listed,) = client.evals.runs.list(run.eval_id).data
    assert listed.status == status
    assert list_sent(mock) == [(f"eval.run.{status}", run.id)]


def test_a_run_reads_an_uploaded_file(mock: MockOpenAI, client: Any) -> None:
    data = b'{"item": {"a": "1"}}\nno JSON\n\n{"item": {"a": "2"}}\n'
    file = client.files.create(file=data, purpose="evals")
    source = {"type": "jsonl", "source": {"type": "file_id", "id": file.id}}
    run = client.evals.runs.create("eval_1", data_source=source)
    mock.jobs.finish(run.id)
    assert client.evals.runs.retrieve(run.id, eval_id="eval_1").result_counts.passed == 2


# Vector stores


def upload(client: Any, text: bytes = b"Dogs bark.") -> str:
    return str(client.files.create(file=("a.txt", text), purpose="assistants").id)


def test_a_file_of_a_store_is_processed(client: Any) -> None:
    store = client.vector_stores.create(name="pets")
    file = client.vector_stores.files.create(store.id, file_id=upload(client))
    assert (file.status, file.usage_bytes) == ("in_progress", 0)
    shown = client.vector_stores.retrieve(store.id)
    assert (shown.status, shown.file_counts.in_progress) == ("in_progress", 1)
    assert not client.vector_stores.search(store.id, query="dogs").data
    file = client.vector_stores.files.poll(file.id, vector_store_id=store.id)
    assert (file.status, file.usage_bytes) == ("completed", 10)
    (shown,) = client.vector_stores.list().data
    assert (shown.status, shown.file_counts.completed, shown.usage_bytes) == ("completed", 1, 10)
    assert client.vector_stores.search(store.id, query="dogs").data


def test_a_file_may_fail_in_one_store(mock: MockOpenAI, client: Any) -> None:
    file = upload(client)
    first, second = (client.vector_stores.create(file_ids=[file]).id for _ in range(2))
    mock.jobs.fail(f"{first}/{file}", "It is no text.", "unsupported_file")
    mock.jobs.finish(f"{second}/{file}")
    failed, done = (client.vector_stores.files.list(one).data[0] for one in (first, second))
    assert (failed.status, failed.last_error.code) == ("failed", "unsupported_file")
    assert (done.status, done.last_error) == ("completed", None)
    assert client.vector_stores.retrieve(first).file_counts.failed == 1


@pytest.mark.parametrize(
    ("how", "status"), [("finish", "completed"), ("fail", "failed"), ("cancel", "cancelled")]
)
def test_the_end_of_a_batch_is_that_of_its_files(
    mock: MockOpenAI, client: Any, how: str, status: str
) -> None:
    batches = client.vector_stores.file_batches
    store = client.vector_stores.create().id
    files = [upload(client) for _ in range(3)]
    batch = batches.create(store, file_ids=files)
    assert (batch.status, batch.file_counts.in_progress) == ("in_progress", 3)
    if how == "cancel":
        batches.cancel(batch.id, vector_store_id=store)
    else:
        getattr(mock.jobs, how)(batch.id)
    file = client.vector_stores.files.retrieve(files[0], vector_store_id=store)
    assert file.status == status
    batch = batches.retrieve(batch.id, vector_store_id=store)
    assert (batch.status, getattr(batch.file_counts, status)) == (status, 3)
    listed = batches.list_files(batch.id, vector_store_id=store).data
    assert {one.status for one in listed} == {status}
    with pytest.raises(openai.BadRequestError, match=f"with status '{status}'"):
        batches.cancel(batch.id, vector_store_id=store)


def test_a_batch_is_polled_to_its_end(client: Any) -> None:
    store = client.vector_stores.create().id
    batch = client.vector_stores.file_batches.create_and_poll(
        store, file_ids=[upload(client) for _ in range(2)]
    )
    assert (batch.status, batch.file_counts.completed) == ("completed", 2)


# Uploads


def test_an_upload_expires_after_an_hour(mock: MockOpenAI, client: Any) -> None:
    uploads = client.uploads
    id = uploads.create(bytes=1, filename="a", mime_type="text/a", purpose="batch").id
    mock.webhooks.advance(3599)
    part = uploads.parts.create(id, data=b"a").id
    mock.webhooks.advance(1)
    calls: list[Callable[[], Any]] = [
        lambda: uploads.parts.create(id, data=b"b"),
        lambda: uploads.complete(id, part_ids=[part]),
        lambda: uploads.cancel(id),
    ]
    for call in calls:
        with pytest.raises(openai.BadRequestError, match="with status 'expired'"):
            call()


# Any of them


def test_what_takes_no_time_has_ended_and_says_so() -> None:
    with MockOpenAI() as mock:
        client = mock.client()
        mock.webhooks.to(lambda request: 200)
        video = client.videos.create(prompt="A cat")
        job = start_tuning(client)
        run = start_run(client)
        client.vector_stores.create(file_ids=[upload(client)])
        assert (video.status, job.status, run.status) == ("completed", "succeeded", "completed")
        assert sorted(list_sent(mock)) == [
            ("eval.run.succeeded", run.id),
            ("fine_tuning.job.succeeded", job.id),
            ("video.completed", video.id),
        ]
        with pytest.raises(MockServerError, match="there is no job"):
            mock.jobs.finish(video.id)
