{{- define "labels" }}
    bodywork/pipeline: {{ .root.Values.pipeline | quote }}
    bodywork/stage: {{ .stage.name | quote }}
    bodywork/step: {{ .stage.step | quote }}
    app.kubernetes.io/name: {{ .stage.name | quote }}
    app.kubernetes.io/part-of: {{ .root.Values.pipeline | quote }}
    app.kubernetes.io/managed-by: bodywork
{{- end }}

{{- define "annotations" }}
{{- range $key, $value := .Values.annotations }}
    {{ $key }}: {{ $value | quote }}
{{- end }}
{{- end }}

{{- define "environment" }}
            - name: BODYWORK_WORKSPACE
              value: /bodywork
            - name: HOME
              value: /bodywork/home
            - name: TMPDIR
              value: /bodywork/tmp
            - name: PYTHONUNBUFFERED
              value: "1"
{{- end }}

{{- define "container" }}
{{- $name := .name }}
{{- with .stage }}
          securityContext:
            allowPrivilegeEscalation: false
            capabilities:
              drop: ["ALL"]
            readOnlyRootFilesystem: true
          {{- if or .cpu .memory }}
          resources:
            requests:
              {{- with .cpu }}
              cpu: {{ . | quote }}
              {{- end }}
              {{- with .memory }}
              memory: {{ . | quote }}
              {{- end }}
          {{- end }}
          terminationMessagePolicy: FallbackToLogsOnError
          volumeMounts:
            - name: workspace
              mountPath: /bodywork
            - name: scripts
              mountPath: /opt/bodywork/scripts
              readOnly: true
            - name: tmp
              mountPath: /tmp
              subPath: {{ $name }}
{{- end }}
{{- end }}

{{- define "pod" }}
    metadata:
      labels:
        bodywork/pipeline: {{ .root.Values.pipeline | quote }}
        bodywork/stage: {{ .stage.name | quote }}
        app.kubernetes.io/name: {{ .stage.name | quote }}
        app.kubernetes.io/part-of: {{ .root.Values.pipeline | quote }}
        app.kubernetes.io/managed-by: bodywork
    spec:
      serviceAccountName: {{ .root.Values.serviceAccount | quote }}
      automountServiceAccountToken: false
      enableServiceLinks: false
      restartPolicy: {{ if .stage.service }}Always{{ else }}Never{{ end }}
      securityContext:
        fsGroup: 65534
        runAsNonRoot: true
        runAsUser: 65534
        runAsGroup: 65534
        seccompProfile:
          type: RuntimeDefault
      initContainers:
        - name: fetch
          image: {{ .root.Values.image | quote }}
          imagePullPolicy: IfNotPresent
          command: ["python3", "/opt/bodywork/scripts/fetch.py"]
          env:
            {{- include "environment" . }}
            - name: BODYWORK_GIT_COMMIT
              value: {{ .root.Values.commit | quote }}
            - name: BODYWORK_GIT_URL
              value: {{ .root.Values.url | quote }}
            - name: BODYWORK_GIT_BRANCH
              value: {{ .root.Values.branch | quote }}
            - name: BODYWORK_HTTPS
              value: /opt/bodywork/https
          {{- include "container" (dict "stage" .stage "name" "fetch") }}
            - name: https
              mountPath: /opt/bodywork/https
              readOnly: true
      containers:
        - name: stage
          image: {{ .root.Values.image | quote }}
          imagePullPolicy: IfNotPresent
          command: ["python3", "/opt/bodywork/scripts/run.py"]
          args:
            - {{ .stage.script | quote }}
            {{- range .stage.args }}
            - {{ . | quote }}
            {{- end }}
          {{- with .stage.service }}
          ports:
            - name: http
              containerPort: {{ .port }}
              protocol: TCP
          startupProbe:
            tcpSocket:
              port: {{ .port }}
            periodSeconds: 1
            failureThreshold: {{ .startupSeconds }}
          readinessProbe:
            tcpSocket:
              port: {{ .port }}
            periodSeconds: 5
            timeoutSeconds: 2
          livenessProbe:
            tcpSocket:
              port: {{ .port }}
            periodSeconds: 20
            timeoutSeconds: 5
            failureThreshold: 6
          lifecycle:
            preStop:
              exec:
                command: ["python3", "-c", "import time; time.sleep(5)"]
          {{- end }}
          envFrom:
            - configMapRef:
                name: {{ .root.Values.servicesName | quote }}
                optional: true
          env:
            {{- include "environment" . }}
            - name: GIT_COMMIT_HASH
              value: {{ .root.Values.commit | trunc 7 | quote }}
            {{- with .stage.secrets }}
            - name: BODYWORK_SECRET_VARIABLES
              value: {{ keys . | sortAlpha | join " " | quote }}
            {{- end }}
            {{- if .stage.batch }}
            - name: BODYWORK_TIME_LIMIT_SECONDS
              value: {{ .stage.batch.limitSeconds | quote }}
            {{- else }}
            - name: BODYWORK_SERVICE_PORT
              value: {{ .stage.service.port | quote }}
            {{- end }}
            {{- range $variable, $secret := .stage.secrets }}
            - name: {{ $variable | quote }}
              valueFrom:
                secretKeyRef:
                  name: {{ $secret | quote }}
                  key: {{ $variable | quote }}
            {{- end }}
          {{- include "container" (dict "stage" .stage "name" "stage") }}
      volumes:
        - name: workspace
          emptyDir:
            sizeLimit: 20000M
        - name: tmp
          emptyDir:
            sizeLimit: 20000M
        - name: scripts
          configMap:
            name: {{ .root.Values.scriptsName | quote }}
        - name: https
          secret:
            secretName: git-https-token
            optional: true
            defaultMode: 256
{{- end }}
