import Dispatch
import Glibc

/// The terminal while a picture is drawn on it: another screen, without a cursor, on which keys are not shown. Belongs to the
/// loop's thread.
final class Terminal {
    /// How the terminal was; `nil` if standard input is none.
    private let former: termios?

    init() {
        var state = termios()
        former = unsafe tcgetattr(STDIN_FILENO, &state) == 0 ? state : nil
    }

    /// Takes the terminal.
    func enter() {
        if var state = former {
            state.c_lflag &= ~tcflag_t(ECHO | ICANON)  // each key at once
            unsafe tcsetattr(STDIN_FILENO, TCSANOW, &state)
        }
        draw("\u{1B}[?1049h\u{1B}[?25l")
    }

    /// Gives it back as it was.
    func leave() {
        draw("\u{1B}[?25h\u{1B}[?1049l")
        if var state = former { unsafe tcsetattr(STDIN_FILENO, TCSANOW, &state) }
    }

    func draw(_ text: String) { StandardStreams.write(Array(text.utf8), to: STDOUT_FILENO) }

    /// Calls `press` for each key, on a thread that waits for it.
    func readKeys(_ press: @escaping @Sendable (UInt8) -> Void) {
        if former == nil { return }
        DispatchQueue.global().async {
            var key: UInt8 = 0
            while true {
                let count = unsafe read(STDIN_FILENO, &key, 1)
                if count == 1 { press(key) } else if count == 0 || errno != EINTR { return }
            }
        }
    }

    /// The size in characters. Source: ioctl_tty(2).
    static var size: (width: Int, height: Int) {
        var size = winsize()
        guard unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else {
            return (80, 24)
        }
        return (Int(size.ws_col), Int(size.ws_row))
    }
}
