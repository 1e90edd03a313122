/* The limit: what one thread can send if it does nothing else.
 *
 * Answers every HTTP request with the bytes of one recorded response, on connections that stay
 * open. Arguments:
 *
 *   stream | event | paced   one write per response, one per event, or each event when due
 *   RESPONSE                 a file: the response on the wire, head and chunks
 *   SCHEDULE                 a file with a line "END DUE" per event: the offset of its end in the
 *                            response, and microseconds after the first event
 *
 * Prints its port, and runs until it is killed. Deadlines are absolute, in one heap with one
 * timer; a late event does not delay the next one.
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define READ_SIZE 65536
#define READY 256

enum mode { STREAM, EVENT, PACED };

struct connection {
    int fd;
    int place;        /* index in the heap, or -1 */
    int event;        /* index of the next event */
    int answering;    /* a response is not complete */
    int blocked;      /* the socket's buffer is full: wait for EPOLLOUT */
    size_t sent;      /* sent bytes of the response */
    int64_t start;    /* of the response, in microseconds */
    int64_t due;
    char *unread;     /* received bytes of an incomplete request */
    size_t unread_size;
};

static enum mode mode;
static char *response;
static size_t *ends;
static int64_t *dues;
static int events;
static int poll_fd, timer_fd;
static struct connection **connections;
static int connections_size;
static struct connection **heap;
static int heap_size, heap_room;
static int64_t armed = INT64_MAX;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static int64_t now_microseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* The heap of streams, the next deadline first */

static void put(int place, struct connection *one) {
    heap[place] = one;
    one->place = place;
}

static void move_up(int place, struct connection *one) {
    while (place > 0 && heap[(place - 1) / 2]->due > one->due) {
        put(place, heap[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    put(place, one);
}

static void move_down(int place, struct connection *one) {
    int child;
    while ((child = 2 * place + 1) < heap_size) {
        if (child + 1 < heap_size && heap[child + 1]->due < heap[child]->due) child++;
        if (heap[child]->due >= one->due) break;
        put(place, heap[child]);
        place = child;
    }
    put(place, one);
}

static void schedule(struct connection *one) {
    if (heap_size == heap_room) {
        heap_room = heap_room ? heap_room * 2 : 1024;
        heap = realloc(heap, (size_t)heap_room * sizeof *heap);
        if (!heap) fail("realloc");
    }
    move_up(heap_size++, one);
}

static void unschedule(struct connection *one) {
    int place = one->place;
    if (place < 0) return;
    one->place = -1;
    struct connection *last = heap[--heap_size];
    if (last == one) return;
    if (place > 0 && heap[(place - 1) / 2]->due > last->due) move_up(place, last);
    else move_down(place, last);
}

static void arm_timer(void) {
    int64_t due = heap_size ? heap[0]->due : INT64_MAX;
    if (due == armed) return;
    armed = due;
    struct itimerspec when = {{0, 0}, {0, 0}};
    if (heap_size) {
        when.it_value.tv_sec = due / 1000000;
        when.it_value.tv_nsec = due % 1000000 * 1000 + 1;
    }
    if (timerfd_settime(timer_fd, TFD_TIMER_ABSTIME, &when, NULL)) fail("timerfd_settime");
}

/* Connections */

static void await(struct connection *one, uint32_t what) {
    struct epoll_event interest = {.events = what, .data.fd = one->fd};
    if (epoll_ctl(poll_fd, EPOLL_CTL_MOD, one->fd, &interest)) fail("epoll_ctl");
}

static void drop(struct connection *one) {
    unschedule(one);
    connections[one->fd] = NULL;
    close(one->fd);
    free(one->unread);
    free(one);
}

/* Send up to this byte of the response; 0 if the buffer is full, -1 if the peer is gone. */
static int send_until(struct connection *one, size_t end) {
    while (one->sent < end) {
        ssize_t count = send(one->fd, response + one->sent, end - one->sent, MSG_NOSIGNAL);
        if (count >= 0) {
            one->sent += (size_t)count;
        } else if (errno == EAGAIN) {
            one->blocked = 1;
            await(one, EPOLLIN | EPOLLOUT);
            return 0;
        } else if (errno != EINTR) {
            return -1;
        }
    }
    return 1;
}

/* Send what is due; -1 if the connection is gone. */
static int answer(struct connection *one) {
    int went = 1;
    if (mode == STREAM) {
        went = send_until(one, ends[events - 1]);
        if (went > 0) one->event = events;
    }
    while (went > 0 && one->event < events) {
        if (mode == PACED) {
            one->due = one->start + dues[one->event];
            if (one->due > now_microseconds()) {
                schedule(one);
                return 0;
            }
        }
        went = send_until(one, ends[one->event]);
        if (went > 0) one->event++;
    }
    if (one->event == events) one->answering = 0;
    return went < 0 ? -1 : 0;
}

/* The size of the first request in these bytes, or 0 if it is incomplete. */
static size_t measure_request(const char *bytes, size_t size) {
    const char *end = memmem(bytes, size, "\r\n\r\n", 4);
    if (!end) return 0;
    size_t whole = (size_t)(end - bytes) + 4;
    for (const char *line = bytes; line < end; line++) {
        line = memchr(line, '\n', (size_t)(end - line));
        if (!line) break;
        if (strncasecmp(line + 1, "content-length:", 15) == 0) {
            whole += strtoul(line + 16, NULL, 10);
            break;
        }
    }
    return whole <= size ? whole : 0;
}

static void keep_unread(struct connection *one, const char *bytes, size_t size) {
    if (!size) {
        free(one->unread);
        one->unread = NULL;
    } else {
        char *kept = malloc(size + 1);
        if (!kept) fail("malloc");
        memcpy(kept, bytes, size);
        kept[size] = 0;
        free(one->unread);
        one->unread = kept;
    }
    one->unread_size = size;
}

/* Answer the received requests in turn; -1 if the connection is gone. */
static int answer_requests(struct connection *one, const char *bytes, size_t size) {
    size_t at = 0, whole;
    while (!one->answering && (whole = measure_request(bytes + at, size - at))) {
        at += whole;
        one->answering = 1;
        one->event = 0;
        one->sent = 0;
        one->start = now_microseconds();
        if (answer(one)) return -1;
    }
    if (bytes != one->unread || at) keep_unread(one, bytes + at, size - at);
    return 0;
}

static int receive(struct connection *one) {
    static char buffer[READ_SIZE + 1];
    size_t before = one->unread_size;
    if (before >= READ_SIZE) return -1; /* longer than any benchmark's request */
    memcpy(buffer, one->unread ? one->unread : "", before);
    ssize_t count = recv(one->fd, buffer + before, READ_SIZE - before, 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
    if (count <= 0) return -1;
    buffer[before + (size_t)count] = 0;
    return answer_requests(one, buffer, before + (size_t)count);
}

static int resume(struct connection *one) {
    one->blocked = 0;
    await(one, EPOLLIN);
    if (answer(one)) return -1;
    if (one->answering || !one->unread) return 0;
    return answer_requests(one, one->unread, one->unread_size);
}

static void accept_all(int listener) {
    int fd, on = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        while (fd >= connections_size) {
            int room = connections_size ? connections_size * 2 : 1024;
            connections = realloc(connections, (size_t)room * sizeof *connections);
            if (!connections) fail("realloc");
            memset(connections + connections_size, 0,
                   (size_t)(room - connections_size) * sizeof *connections);
            connections_size = room;
        }
        struct connection *one = calloc(1, sizeof *one);
        if (!one) fail("calloc");
        one->fd = fd;
        one->place = -1;
        connections[fd] = one;
        struct epoll_event interest = {.events = EPOLLIN, .data.fd = fd};
        if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &interest)) fail("epoll_ctl");
    }
}

static void answer_due(void) {
    armed = INT64_MAX;
    int64_t now = now_microseconds();
    while (heap_size && heap[0]->due <= now) {
        struct connection *one = heap[0];
        unschedule(one);
        if (!one->blocked && answer(one)) drop(one);
    }
}

/* The response and its schedule */

static void read_files(const char *response_file, const char *schedule_file) {
    FILE *file = fopen(response_file, "rb");
    if (!file) fail(response_file);
    fseek(file, 0, SEEK_END);
    size_t size = (size_t)ftell(file);
    rewind(file);
    response = malloc(size);
    if (!response || fread(response, 1, size, file) != size) fail(response_file);
    fclose(file);
    if (!(file = fopen(schedule_file, "r"))) fail(schedule_file);
    size_t end;
    long long due;
    while (fscanf(file, "%zu %lld", &end, &due) == 2) {
        ends = realloc(ends, (size_t)(events + 1) * sizeof *ends);
        dues = realloc(dues, (size_t)(events + 1) * sizeof *dues);
        if (!ends || !dues) fail("realloc");
        ends[events] = end;
        dues[events++] = due;
    }
    fclose(file);
    if (!events || ends[events - 1] != size) {
        fprintf(stderr, "%s does not end where %s does\n", schedule_file, response_file);
        exit(1);
    }
}

static int listen_on_any_port(void) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) || listen(fd, 65535) ||
        getsockname(fd, (struct sockaddr *)&address, &size))
        fail("listen");
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

int main(int count, char **arguments) {
    const char *modes[] = {"stream", "event", "paced"};
    int known = 0;
    for (int at = 0; count == 4 && at < 3; at++)
        if (!strcmp(arguments[1], modes[at])) {
            mode = (enum mode)at;
            known = 1;
        }
    if (!known) {
        fprintf(stderr, "usage: server stream|event|paced RESPONSE SCHEDULE\n");
        return 2;
    }
    read_files(arguments[2], arguments[3]);
    poll_fd = epoll_create1(EPOLL_CLOEXEC);
    timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (poll_fd < 0 || timer_fd < 0) fail("epoll");
    int listener = listen_on_any_port();
    struct epoll_event interest = {.events = EPOLLIN, .data.fd = listener};
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, listener, &interest);
    interest.events |= EPOLLET; /* the timer is never read */
    interest.data.fd = timer_fd;
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, timer_fd, &interest);
    for (;;) {
        struct epoll_event ready[READY];
        int found = epoll_wait(poll_fd, ready, READY, -1);
        if (found < 0 && errno != EINTR) fail("epoll_wait");
        for (int at = 0; at < found; at++) {
            int fd = ready[at].data.fd;
            if (fd == listener) {
                accept_all(listener);
            } else if (fd == timer_fd) {
                answer_due();
            } else if (connections[fd]) {
                struct connection *one = connections[fd];
                int gone = 0;
                if (ready[at].events & (EPOLLHUP | EPOLLERR)) gone = 1;
                if (!gone && ready[at].events & EPOLLIN) gone = receive(one);
                if (!gone && ready[at].events & EPOLLOUT) gone = resume(one);
                if (gone) drop(one);
            }
        }
        arm_timer();
    }
}
