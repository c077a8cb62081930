import Dispatch
import EventLoop
import Glibc

/// The terminal while a picture is drawn on it: another screen, without a cursor, on which keys are not shown. Belongs to the
/// loop's thread.
final class Terminal {
    /// How the terminal was; `nil` if standard input is none.
    private let former: termios?
    private var isTaken = false
    private let loop: EventLoop
    private var pause, resume: LoopSignal?

    init(on loop: EventLoop) {
        var state = termios()
        former = unsafe tcgetattr(STDIN_FILENO, &state) == 0 ? state : nil
        self.loop = loop
        // The shell may have changed the terminal meanwhile.
        resume = try? LoopSignal(SIGCONT, on: loop) { [unowned self] in
            isTaken = false
            take()
        }
        followPause()
    }

    /// Ctrl+Z: gives the terminal back, and stops. The default action, which does nothing where nobody could continue the
    /// process.
    private func followPause() {
        pause = try? LoopSignal(SIGTSTP, on: loop) { [unowned self] in
            leave()
            pause = nil
            raise(SIGTSTP)
            followPause()
            take()
        }
    }

    /// Takes the terminal, if that has not been done.
    ///
    /// - Returns: false if it is another job's now.
    @discardableResult
    func take() -> Bool {
        guard Self.isOurs else { return false }
        if isTaken { return true }
        isTaken = true
        if var state = former {
            state.c_lflag &= ~tcflag_t(ECHO | ICANON)  // each key at once
            unsafe tcsetattr(STDIN_FILENO, TCSANOW, &state)
        }
        draw("\u{1B}[?1049h\u{1B}[?25l")
        return true
    }

    /// Gives it back as it was.
    func leave() {
        guard isTaken, Self.isOurs else { return }
        isTaken = false
        draw("\u{1B}[?25h\u{1B}[?1049l")
        if var state = former { unsafe tcsetattr(STDIN_FILENO, TCSANOW, &state) }
    }

    /// Whether the process is in the foreground: otherwise the terminal belongs to the shell, or to another job.
    private static var isOurs: Bool {
        let group = tcgetpgrp(STDOUT_FILENO)
        return group < 0 || group == getpgrp()
    }

    func draw(_ text: String) { StandardStreams.write(Array(text.utf8), to: STDOUT_FILENO) }

    /// Calls `press` for each key, on a thread that waits for it.
    func readKeys(_ press: @escaping @Sendable (UInt8) -> Void) {
        if former == nil { return }
        DispatchQueue.global().async {
            var key: UInt8 = 0
            while true {
                var input = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
                unsafe poll(&input, 1, -1)
                guard Self.isOurs else {
                    poll(nil, 0, Self.rest)
                    continue
                }
                let count = unsafe read(STDIN_FILENO, &key, 1)
                if count == 1 {
                    press(key)
                } else if count < 0 && errno == EIO {  // it is no longer in the foreground, or the terminal is gone
                    poll(nil, 0, Self.rest)
                } else if count == 0 || errno != EINTR {
                    return
                }
            }
        }
    }

    /// The milliseconds after which to look whether the process is in the foreground again.
    private static let rest: CInt = 200

    /// The size in characters. Source: ioctl_tty(2).
    static var size: (width: Int, height: Int) {
        var size = winsize()
        guard unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else {
            return (80, 24)
        }
        return (Int(size.ws_col), Int(size.ws_row))
    }
}
