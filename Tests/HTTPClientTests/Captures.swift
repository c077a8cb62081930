/// What a genuine Ollama v0.33.0-rc2 sent, byte for byte; the numbers are those of the captures.
enum Captures {
    /// 60: a stream, as four reads brought it.
    static let stream = [
        """
        HTTP/1.1 200 OK\r\n\
        Content-Type: application/x-ndjson\r\n\
        Date: Mon, 23 Nov 2026 17:21:39 GMT\r\n\
        Transfer-Encoding: chunked\r\n\
        \r\n\
        84\r\n\
        {"model":"llama3.2:1b","created_at":"2026-11-23T17:21:39.87329806Z","message":{"role":"assistant","content":" Pa\
        ris"},"done":false}\n\
        \r\n
        """,
        """
        80\r\n\
        {"model":"llama3.2:1b","created_at":"2026-11-23T17:21:39.888981116Z","message":{"role":"assistant","content":"."\
        },"done":false}\n\
        \r\n
        """,
        """
        81\r\n\
        {"model":"llama3.2:1b","created_at":"2026-11-23T17:21:39.932717175Z","message":{"role":"assistant","content":"\\\
        n"},"done":false}\n\
        \r\n\
        123\r\n\
        {"model":"llama3.2:1b","created_at":"2026-11-23T17:21:39.9327407Z","message":{"role":"assistant","content":""},"\
        done":true,"done_reason":"stop","total_duration":100980392,"load_duration":1920305,"prompt_eval_count":13,"promp\
        t_eval_duration":35769000,"eval_count":5,"eval_duration":59264000}\n\
        \r\n
        """,
        """
        0\r\n\
        \r\n
        """,
    ]

    /// 61: the next stream on the same connection.
    static let secondStream = [
        """
        HTTP/1.1 200 OK\r\n\
        Content-Type: application/x-ndjson\r\n\
        Date: Mon, 23 Nov 2026 17:21:39 GMT\r\n\
        Transfer-Encoding: chunked\r\n\
        \r\n\
        85\r\n\
        {"model":"llama3.2:1b","created_at":"2026-11-23T17:21:39.976231922Z","message":{"role":"assistant","content":" P\
        aris"},"done":false}\n\
        \r\n
        """,
        """
        80\r\n\
        {"model":"llama3.2:1b","created_at":"2026-11-23T17:21:39.992181763Z","message":{"role":"assistant","content":"."\
        },"done":false}\n\
        \r\n
        """,
        """
        81\r\n\
        {"model":"llama3.2:1b","created_at":"2026-11-23T17:21:40.044096836Z","message":{"role":"assistant","content":"\\\
        n"},"done":false}\n\
        \r\n
        """,
        """
        124\r\n\
        {"model":"llama3.2:1b","created_at":"2026-11-23T17:21:40.04472047Z","message":{"role":"assistant","content":""},\
        "done":true,"done_reason":"stop","total_duration":111198623,"load_duration":4727354,"prompt_eval_count":13,"prom\
        pt_eval_duration":35528000,"eval_count":5,"eval_duration":67801000}\n\
        \r\n
        """,
        """
        0\r\n\
        \r\n
        """,
    ]

    /// 22: a model that is not there.
    static let unknownModel = """
        HTTP/1.1 404 Not Found\r\n\
        Content-Type: application/json; charset=utf-8\r\n\
        Date: Mon, 23 Nov 2026 17:21:35 GMT\r\n\
        Content-Length: 37\r\n\
        \r\n\
        {"error":"model 'nope:1b' not found"}
        """

    /// 100: the queue is full.
    static let queueFull = """
        HTTP/1.1 503 Service Unavailable\r\n\
        Content-Type: application/json; charset=utf-8\r\n\
        Date: Mon, 23 Nov 2026 17:22:40 GMT\r\n\
        Content-Length: 77\r\n\
        \r\n\
        {"error":"server busy, please try again.  maximum pending requests exceeded"}
        """

    /// 110: a whole reply of more than 2 KiB.
    static let longReply = """
        HTTP/1.1 200 OK\r\n\
        Content-Type: application/json; charset=utf-8\r\n\
        Date: Mon, 23 Nov 2026 17:23:36 GMT\r\n\
        Transfer-Encoding: chunked\r\n\
        \r\n\
        b07\r\n\
        {"model":"gemma3:270m-long","created_at":"2026-11-23T17:23:36.177500078Z","message":{"role":"assistant","content\
        ":"\\nQuestion:\\nWrite a long story about a fox.\\nAnswer:\\nQuestion:\\nThe fox is a very clever animal. She k\
        nows how to get food by catching the last of the fox’s claws.\\nAnswer:\\nQuestion:\\nIn a long story, what can \
        a fox tell us about our world?\\nAnswer:\\nQuestion:\\nWhat did the fox tell us about our world?\\nAnswer:\\nQue\
        stion:\\nDescribe the scene from the book.\\nAnswer:\\nQuestion:\\nWhat is the theme in the story?\\nAnswer:\\nQ\
        uestion:\\nWhat is the central idea in the story?\\nAnswer:\\nQuestion:\\nIn the story, what is the cause of the\
         fox’s problem?\\nAnswer:\\nQuestion:\\nWhat is the effect of the fox's problem on the rabbit?\\nAnswer:\\nQuest\
        ion:\\nThe fox’s rabbit is tired of being eaten by the fox. What does the fox tell the rabbit to do to help it?\
        \\nAnswer:\\nQuestion:\\nThe fox is a rabbit. She is a rabbit.\\nAnswer:\\nQuestion:\\nTell the story about the \
        fox.\\nAnswer:\\nQuestion:\\nWhat does the fox say to the rabbit?\\nAnswer:\\nQuestion:\\nThe fox is a rabbit. S\
        he is a rabbit.\\nAnswer:\\nQuestion:\\nTell the story about the fox.\\nAnswer:\\nQuestion:\\nThe fox is a rabbi\
        t. She is a rabbit.\\nAnswer:\\nQuestion:\\nTell the story about the fox.\\nAnswer:\\nQuestion:\\nTell the story\
         about the fox.\\nAnswer:\\nQuestion:\\nTell the story about the fox.\\nAnswer:\\nQuestion:\\nTell the story abo\
        ut the fox.\\nAnswer:\\nQuestion:\\nIn the book, what happens to the fox?\\nAnswer:\\nQuestion:\\nThe fox eats t\
        he rabbit.\\nAnswer:\\nQuestion:\\nThe fox eats the rabbit.\\nAnswer:\\nQuestion:\\nIn the book, what happens to\
         the fox?\\nAnswer:\\nQuestion:\\nThe fox eats the rabbit.\\nAnswer:\\nQuestion:\\nTell the story about the fox.\
        \\nAnswer:\\nQuestion:\\nTell the story about the fox.\\nAnswer:\\nQuestion:\\nTell the story about the fox.\\nA\
        nswer:\\nQuestion:\\nTell the story about the fox.\\nAnswer:\\nQuestion:\\nTell the story about the fox.\\nAnswe\
        r:\\nQuestion:\\nIn the book, what happens to the rabbit?\\nAnswer:\\nQuestion:\\nThe rabbit eats the fox.\\nAns\
        wer:\\nQuestion:\\nThe rabbit eats the fox.\\nAnswer:\\nQuestion:\\nTell the story about the fox.\\nAnswer:\\nQu\
        estion:\\nTell the story about the fox.\\nAnswer:\\nQuestion:\\nTell the story about the fox.\\nAnswer:\\nQuesti\
        on:\\nIn the book, what happens to the fox?\\nAnswer:\\nQuestion:\\nThe rabbit eats the fox.\\nAnswer:\\nQuestio\
        n:\\nThe rabbit eats the fox.\\nAnswer:\\nQuestion:\\nTell the story about the fox.\\nAnswer:\\nQuestion:\\nTell\
         the story about the fox.\\nAnswer:\\nQuestion:\\nTell the story about the fox.\\nAnswer:\\nQuestion:\\nIn the b\
        ook, what happens to the fox?\\nAnswer:\\nQuestion:\\nThe fox eats the"},"done":true,"done_reason":"length","tot\
        al_duration":10473667962,"load_duration":1735731,"prompt_eval_count":14,"prompt_eval_duration":57253000,"eval_co\
        unt":700,"eval_duration":10407686000}\r\n\
        0\r\n\
        \r\n
        """
}
