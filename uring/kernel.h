/* The rings on the running kernel: how each is made, and what all of them tell alike, whatever
 * brings their completions: clocks, what a descriptor of the process knows of its connection, the
 * kernel's time stamps. The latter stand in tables of operations as they are (uring/ring.h). */
#ifndef RINGSEND_URING_KERNEL_H
#define RINGSEND_URING_KERNEL_H

#include "uring/ring.h"

/* In a build with AddressSanitizer nobody may look into a receive buffer that the kernel owns. */
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#define BUFFER_HIDE(data, bytes) __asan_poison_memory_region(data, bytes)
#define BUFFER_SHOW(data, bytes) __asan_unpoison_memory_region(data, bytes)
#else
#define BUFFER_HIDE(data, bytes) ((void)0)
#define BUFFER_SHOW(data, bytes) ((void)0)
#endif

/* io_uring.c, epoll_ring.c */
ring_make_fn io_uring_ring_new, epoll_ring_new;

/* clock.c */
uint64_t kernel_now_ns(const struct ring *ring);
int64_t kernel_wall_ms(const struct ring *ring);

/* descriptor.c */
bool kernel_tcp_info(const struct ring *ring, int descriptor, struct ring_tcp *tcp);
bool kernel_has_source(const struct ring *ring, const struct sockaddr *address,
                       socklen_t address_bytes);
void kernel_descriptor_close(struct ring *ring, int descriptor);
/* From options: what its connections need. */
void kernel_source_take(struct ring *ring, const struct ring_options *options);
/* A socket, not connected yet, of that family goes out where it says. 0, or a negated errno. */
int kernel_source_bind(const struct ring *ring, int fd, int family);
/* To who waits for that eventfd. */
void kernel_signal(int eventfd);
/* The soft limit of descriptors becomes the hard one. False: it is already, or must not. */
bool kernel_raise_descriptors(void);

/* stamps.c */
bool kernel_stamps_on(int descriptor);
bool kernel_sent_stamp(const struct ring *ring, int descriptor, uint64_t *stamp_ns);
/* The stamp in the control data of a message, in ring_now_ns time; 0: there is none. */
uint64_t kernel_stamp_of_control(void *control, size_t bytes);

#endif
