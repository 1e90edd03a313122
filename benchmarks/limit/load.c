/* The client of the speed benchmarks: one thread, with little work for each event.
 *
 * Sends one request repeatedly on open connections, reads the streams, and counts their events.
 * Arguments: MODE PORT REQUEST CONNECTIONS, and those of the mode:
 *
 *   throughput … SECONDS           each connection sends again as soon as it has its answer
 *   paced … SCHEDULE SPREAD LIMIT  one stream each, started evenly over SPREAD seconds; measures
 *                                  the delay of events relative to the first event and the
 *                                  microseconds in SCHEDULE, one line per event; events that do
 *                                  not arrive within LIMIT seconds are lost
 *   websocket … SCHEDULE SPREAD LIMIT MESSAGE
 *                                  the same over WebSockets: sends the file MESSAGE once a socket
 *                                  is open; each frame is an event, up to the number in SCHEDULE
 *   burst … LIMIT                  one request each, all at once: time to the first bytes of each
 *   held … LIMIT                   one stream each: prints "held" when all have started, and counts
 *                                  those that have ended when its input ends
 *
 * REQUEST is a file with the bytes of the request. Prints a line of JSON; times in it are
 * milliseconds, and "load_cpu" is the CPU time of this program.
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define READ_SIZE (256 * 1024)
#define HEAD_SIZE 8192
#define READY 256
#define PER_ADDRESS 10000 /* connections from one client address, whose ports are limited */

enum part { HEAD, SIZE, DATA, AFTER_DATA, LAST, LENGTH, FRAME, PAYLOAD, DONE };

struct connection {
    int fd;
    enum part part;
    int open;           /* a request is open */
    char *head;
    size_t head_size;
    size_t left;        /* remaining bytes of the chunk, the body, or the end of a chunk */
    char last;          /* last byte of the body */
    unsigned char header[10]; /* of a frame */
    size_t header_size;
    int events;
    double requested, first; /* times of the request and of the first bytes */
    double first_event;
};

struct times {
    double *each;
    size_t count, room;
};

static struct connection *connections;
static int port, total, poll_fd;
static char *request, *message;
static size_t request_size, message_size;
static struct times whole, first_bytes, late;
static long completed, all_events, failed;
static int fewest_events = -1, most_events;
static double *schedule;
static int scheduled;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static double now_milliseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void note(struct times *times, double value) {
    if (times->count == times->room) {
        times->room = times->room ? times->room * 2 : 65536;
        times->each = realloc(times->each, times->room * sizeof(double));
        if (!times->each) fail("realloc");
    }
    times->each[times->count++] = value;
}

static double cpu_milliseconds(void) {
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (double)used.tv_sec * 1e3 + (double)used.tv_nsec / 1e6;
}

static int compare(const void *one, const void *other) {
    double a = *(const double *)one, b = *(const double *)other;
    return (a > b) - (a < b);
}

static void print_times(const char *name, struct times *times) {
    if (!times->count) return;
    qsort(times->each, times->count, sizeof(double), compare);
    printf(", \"%s\": {\"p50\": %.4f, \"p99\": %.4f, \"max\": %.4f}", name,
           times->each[times->count / 2], times->each[times->count * 99 / 100],
           times->each[times->count - 1]);
}

/* Reading a response */

static void note_events(struct connection *one, int found, double now) {
    if (!found) return;
    if (!one->events) one->first_event = now;
    for (int at = one->events; schedule && at < one->events + found && at < scheduled; at++)
        note(&late, now - one->first_event - schedule[at]);
    one->events += found;
}

/* An event of an event stream ends with an empty line. */
static void count_events(struct connection *one, const char *bytes, size_t size, double now) {
    const char *at = bytes, *end = bytes + size;
    int found = 0;
    while (at < end && (at = memchr(at, '\n', (size_t)(end - at)))) {
        if ((at == bytes ? one->last : at[-1]) == '\n') found++;
        at++;
    }
    one->last = end[-1];
    note_events(one, found, now);
}

static int read_head(struct connection *one, const char *bytes, size_t size, size_t *used) {
    size_t before = one->head_size, room = HEAD_SIZE - before;
    size_t taken = size < room ? size : room;
    memcpy(one->head + before, bytes, taken);
    one->head[before + taken] = 0;
    char *end = memmem(one->head, before + taken, "\r\n\r\n", 4);
    if (!end) {
        one->head_size += taken;
        *used = taken;
        return taken ? 0 : -1;
    }
    *used = (size_t)(end - one->head) + 4 - before;
    *end = 0;
    if (message && !strncmp(one->head, "HTTP/1.1 101", 12)) {
        one->part = FRAME;
        return send(one->fd, message, message_size, MSG_NOSIGNAL) == (ssize_t)message_size ? 0 : -1;
    }
    if (strncmp(one->head, "HTTP/1.1 200", 12)) {
        fprintf(stderr, "%s\n", one->head);
        return -1;
    }
    char *length = strcasestr(one->head, "\r\ncontent-length:");
    one->left = length ? strtoul(length + 17, NULL, 10) : 0;
    one->part = length ? (one->left ? LENGTH : DONE) : SIZE;
    return 0;
}

static int read_size(struct connection *one, char byte) {
    if (byte == '\n') {
        one->part = one->left ? DATA : LAST;
        if (!one->left) one->left = 2;
    } else if (byte != '\r') {
        int digit = byte >= '0' && byte <= '9' ? byte - '0' : (byte | 32) - 'a' + 10;
        if (digit < 0 || digit > 15) return -1;
        one->left = one->left * 16 + (size_t)digit;
    }
    return 0;
}

/* A frame is complete (RFC 6455 §5.2). */
static void finish_frame(struct connection *one, double now) {
    note_events(one, 1, now);
    one->header_size = 0;
    one->part = one->events == scheduled ? DONE : FRAME;
}

/* Take a byte of a frame's header. */
static void read_frame_header(struct connection *one, unsigned char byte, double now) {
    one->header[one->header_size++] = byte;
    if (one->header_size < 2) return;
    size_t length = one->header[1], width = length < 126 ? 0 : length == 126 ? 2 : 8;
    if (one->header_size < 2 + width) return;
    for (size_t at = 0; at < width; at++) length = (at ? length << 8 : 0) | one->header[2 + at];
    one->left = length;
    one->part = PAYLOAD;
    if (!length) finish_frame(one, now);
}

/* Parse more bytes of a response; -1 if they are invalid. */
static int read_response(struct connection *one, const char *bytes, size_t size, double now) {
    size_t at = 0;
    while (at < size && one->part != DONE) {
        size_t used = one->left < size - at ? one->left : size - at;
        if (one->part == HEAD) {
            if (read_head(one, bytes + at, size - at, &used)) return -1;
        } else if (one->part == SIZE) {
            used = 1;
            if (read_size(one, bytes[at])) return -1;
        } else if (one->part == FRAME) {
            used = 1;
            read_frame_header(one, (unsigned char)bytes[at], now);
        } else if (one->part == PAYLOAD) {
            one->left -= used;
            if (!one->left) finish_frame(one, now);
        } else {
            if (one->part == DATA || one->part == LENGTH)
                count_events(one, bytes + at, used, now);
            one->left -= used;
            if (!one->left && one->part == DATA) {
                one->part = AFTER_DATA;
                one->left = 2;
            } else if (!one->left) {
                one->part = one->part == AFTER_DATA ? SIZE : DONE;
            }
        }
        at += used;
    }
    return 0;
}

/* Connections */

static void connect_all(void) {
    struct sockaddr_in to = {.sin_family = AF_INET}, from = {.sin_family = AF_INET};
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    int on = 1;
    for (int n = 0; n < total; n++) {
        struct connection *one = &connections[n];
        one->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (one->fd < 0) fail("socket");
        from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + (uint32_t)(n / PER_ADDRESS));
        setsockopt(one->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
        if (bind(one->fd, (struct sockaddr *)&from, sizeof from)) fail("bind");
        to.sin_port = htons((uint16_t)port);
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (connect(one->fd, (struct sockaddr *)&to, sizeof to)) fail("connect");
        setsockopt(one->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        fcntl(one->fd, F_SETFL, O_NONBLOCK);
        one->head = malloc(HEAD_SIZE + 1);
        struct epoll_event interest = {.events = EPOLLIN, .data.u32 = (uint32_t)n};
        if (!one->head || epoll_ctl(poll_fd, EPOLL_CTL_ADD, one->fd, &interest)) fail("epoll_ctl");
    }
}

static void lose(struct connection *one) {
    failed++;
    one->open = 0;
    close(one->fd);
    one->fd = -1;
}

static void ask(struct connection *one) {
    if (one->fd < 0) return;
    one->part = HEAD;
    one->head_size = one->left = one->header_size = 0;
    one->events = 0;
    one->last = 0;
    one->open = 1;
    one->requested = now_milliseconds();
    one->first = 0;
    if (send(one->fd, request, request_size, MSG_NOSIGNAL) != (ssize_t)request_size) lose(one);
}

static void finish(struct connection *one, double now) {
    one->open = 0;
    completed++;
    all_events += one->events;
    if (fewest_events < 0 || one->events < fewest_events) fewest_events = one->events;
    if (one->events > most_events) most_events = one->events;
    note(&whole, now - one->requested);
}

/* Read available bytes; 1 if a response is complete. */
static int receive(struct connection *one) {
    static char buffer[READ_SIZE];
    ssize_t count = recv(one->fd, buffer, READ_SIZE, 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
    double now = now_milliseconds();
    if (count <= 0 || !one->open) {
        lose(one);
        return 0;
    }
    if (!one->first) {
        one->first = now;
        note(&first_bytes, now - one->requested);
    }
    if (read_response(one, buffer, (size_t)count, now)) {
        lose(one);
        return 0;
    }
    if (one->part != DONE) return 0;
    finish(one, now);
    return 1;
}

/* Wait and read; a connection with a complete response sends again before `until`. */
static void read_some(double wait, double until) {
    struct epoll_event ready[READY];
    int found = epoll_wait(poll_fd, ready, READY, wait < 0 ? 0 : (int)wait);
    if (found < 0 && errno != EINTR) fail("epoll_wait");
    for (int at = 0; at < found; at++) {
        struct connection *one = &connections[ready[at].data.u32];
        if (one->fd >= 0 && receive(one) && now_milliseconds() < until) ask(one);
    }
}

static int count_open(void) {
    int open = 0;
    for (int n = 0; n < total; n++) open += connections[n].open;
    return open;
}

/* Modes */

static void measure_throughput(double seconds) {
    double start = now_milliseconds(), until = start + seconds * 1e3;
    for (int n = 0; n < total; n++) ask(&connections[n]);
    while (now_milliseconds() < until && count_open()) read_some(100, until);
    double in_time = (double)completed;
    double took = now_milliseconds() - start;
    /* Wait for open requests, because the server's time is divided by all of them. */
    while (count_open() && now_milliseconds() < until + 30e3) read_some(100, until);
    printf("\"rate\": %.2f", in_time / took * 1e3);
}

static void measure_paced(double spread, double limit) {
    double start = now_milliseconds(), end = start + limit * 1e3;
    int next = 0;
    while ((next < total || count_open()) && now_milliseconds() < end) {
        while (next < total && now_milliseconds() >= start + spread * 1e3 * next / total)
            ask(&connections[next++]);
        read_some(next < total ? 1 : 100, 0);
    }
    printf("\"seconds\": %.3f", (now_milliseconds() - start) / 1e3);
}

static void measure_burst(double limit) {
    double start = now_milliseconds();
    for (int n = 0; n < total; n++) {
        ask(&connections[n]);
        connections[n].requested = start; /* all at once, so the last one waits too */
    }
    while (count_open() && now_milliseconds() < start + limit * 1e3) read_some(100, 0);
    printf("\"seconds\": %.3f", (now_milliseconds() - start) / 1e3);
}

static void measure_held(double limit) {
    double end = now_milliseconds() + limit * 1e3;
    /* Start a few at a time; a burst is measured elsewhere. */
    for (int n = 0; n < total; n++) {
        ask(&connections[n]);
        while (n + 1 - (int)first_bytes.count - failed > 100 && now_milliseconds() < end)
            read_some(10, 0);
    }
    while ((long)first_bytes.count + failed < total && now_milliseconds() < end) read_some(10, 0);
    printf("held\n");
    fflush(stdout);
    int input = fcntl(0, F_SETFL, O_NONBLOCK);
    char byte;
    while (input == 0 && read(0, &byte, 1) != 0) read_some(10, 0);
    printf("{\"open\": %d", count_open());
}

static char *read_file(const char *name, size_t *size) {
    FILE *file = fopen(name, "rb");
    if (!file) fail(name);
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    char *content = calloc(1, *size + 1);
    if (!content || fread(content, 1, *size, file) != *size) fail(name);
    fclose(file);
    return content;
}

static void read_schedule(const char *name) {
    size_t size;
    char *text = read_file(name, &size), *at = text, *end;
    schedule = malloc((size + 1) * sizeof(double));
    if (!schedule) fail("malloc");
    for (;;) {
        double due = strtod(at, &end);
        if (end == at) break;
        schedule[scheduled++] = due / 1e3;
        at = end;
    }
    free(text);
}

int main(int count, char **arguments) {
    const char *mode = count > 1 ? arguments[1] : "";
    int is_socket = !strcmp(mode, "websocket"), is_paced = is_socket || !strcmp(mode, "paced");
    if (count != (is_socket ? 9 : is_paced ? 8 : 6)) {
        fprintf(stderr, "usage: load throughput|paced|websocket|burst|held PORT REQUEST "
                        "CONNECTIONS …\n");
        return 2;
    }
    port = atoi(arguments[2]);
    request = read_file(arguments[3], &request_size);
    total = atoi(arguments[4]);
    connections = calloc((size_t)total, sizeof *connections);
    poll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (!connections || poll_fd < 0) fail("epoll");
    connect_all();
    if (is_paced) read_schedule(arguments[5]);
    if (is_socket) message = read_file(arguments[8], &message_size);
    double computed = cpu_milliseconds();
    if (strcmp(mode, "held")) printf("{");
    if (is_paced) measure_paced(atof(arguments[6]), atof(arguments[7]));
    else if (!strcmp(mode, "throughput")) measure_throughput(atof(arguments[5]));
    else if (!strcmp(mode, "burst")) measure_burst(atof(arguments[5]));
    else measure_held(atof(arguments[5]));
    printf(", \"load_cpu\": %.3f", cpu_milliseconds() - computed);
    for (int n = 0; n < total; n++)
        if (connections[n].open) all_events += connections[n].events;
    printf(", \"connections\": %d, \"completed\": %ld, \"failed\": %ld, \"events\": %ld, "
           "\"begun\": %zu, \"fewest_events\": %d, \"most_events\": %d",
           total, completed, failed, all_events, first_bytes.count, fewest_events, most_events);
    print_times("whole", &whole);
    print_times("first_bytes", &first_bytes);
    print_times("late", &late);
    printf("}\n");
    return 0;
}
