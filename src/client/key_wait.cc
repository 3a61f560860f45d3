#include "client/key_wait.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

namespace cairn::client {

KeyWait wait_for_key(const std::atomic<bool>& interrupted) {
  sigset_t ours;
  sigset_t before;
  ::sigemptyset(&ours);
  for (const int signal : {SIGINT, SIGWINCH, SIGCONT}) ::sigaddset(&ours, signal);
  // Held back but for the wait itself, so that none falls between the look and the wait.
  ::pthread_sigmask(SIG_BLOCK, &ours, &before);
  pollfd input{STDIN_FILENO, POLLIN, 0};
  const int ready = interrupted ? -1 : ::ppoll(&input, 1, nullptr, &before);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (interrupted) return KeyWait::Interrupted;
  return ready > 0 ? KeyWait::Ready : KeyWait::Signal;
}

}  // namespace cairn::client
