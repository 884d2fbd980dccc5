import{b as ze}from"./part-MT2RQM4C.js";import{a as He}from"./part-BWCKTDOW.js";import{g as we}from"./part-TNRVHF5C.js";import{a as Ue,b as de,c as A,d as ce}from"./part-KRQZC76I.js";import{a as Fe}from"./part-BBONDAZD.js";import{a as re,e as N,l as ye,m as y,n as ke,o as Z,p as P,q as Ne,r as O,w as Oe,x as le,z as ie}from"./part-IZMKATDS.js";import{a as s,b as f,d as Ae,f as Pe,g as Be,i as ve,j as H,k as K,l as We}from"./part-RIRFS6HY.js";import{b as F,e as je}from"./part-FXUFGIDR.js";import{a as W,b as fe,c as Re,d as Ie,e as Le,f as be,i as De,j as X,k as ne,l as ge}from"./part-NOEROMEE.js";import{A as Ee,B as b,E as g,c as p,d as T,f as U,h as ae,n as Me,o as v,p as S,t as M,x as oe,y as B,z as D}from"./part-IAWYZLG6.js";var V=e=>D.value.find(t=>t.id===e)?.name??e,yt=5e3,kt={connecting:"Connecting",sampling:"Sampling",offline:"Camera offline",error:"Error",stopped:"Stopped",budget_exhausted:"No room in the budget"};function Ve(){let[e,t]=p([]),[a,o]=p(null),[n,i]=p([]),[r,l]=p(null),[c,h]=p(null),m=le(S.value?.role),x=D.value.map(w=>w.id).join(" "),d=async()=>{if(o(await F.samplers()),!m)return;let[w,C]=await Promise.all([Promise.all(x.split(" ").filter(Boolean).map(I=>F.list(I).catch(()=>[]))),F.workers().catch(()=>[])]);t(w.flat()),i(C)};if(T(()=>{let w=!0,C=()=>{w&&!document.hidden&&d().catch(j=>w=![403,404,501].includes(j.status))};C();let I=setInterval(C,yt);return()=>clearInterval(I)},[x,m]),!a||!m&&!a.length)return null;let $=()=>[l(null),h(null),void d().catch(()=>{})],R=new Map(n.flatMap(w=>(w.leases??[]).flatMap(C=>C.task_ids.map(I=>[I,w.worker_id]))));return s`<section class="card span2" aria-labelledby="ai-h" data-testid="ai"><h2 id="ai-h">What looks at the pictures</h2>
    ${m&&s`<${vt} list=${e} held=${R} onEdit=${l} onGone=${h} onChanged=${$} />`}
    <${wt} list=${a} />
    ${m&&s`<${_t} list=${n} />`}
    ${r&&s`<${xt} t=${r==="new"?null:r} onClose=${$} />`}
    ${c&&s`<${A} title="Remove this task?" verb="Remove task" act=${()=>F.remove(c.id)} onClose=${$} testid="task-gone"><p>Nobody looks for ${c.task_type} on ${V(c.camera_id)} any more. Zones there see nothing of it.</p><//>`}
  </section>`}function vt({list:e,held:t,onEdit:a,onGone:o,onChanged:n}){let i=r=>F.change(r.id,{enabled:!r.enabled}).then(n,l=>g("error",l.message));return s`<h3>Tasks</h3>
    ${e.length?s`<div class="table-box"><table class="table stackable" data-testid="tasks">
      <thead><tr><th scope="col">Camera</th><th scope="col">Looks for</th><th scope="col">Pictures</th><th scope="col">Done by</th><th scope="col"><span class="sr">What may be done</span></th></tr></thead>
      <tbody>${e.map(r=>s`<tr key=${r.id} data-testid="task-${r.camera_id}-${r.task_type}"><th scope="row">${V(r.camera_id)}</th><td data-label="Looks for">${r.task_type} ${!r.enabled&&s`<span class="tag">switched off</span>`}</td>
        <td data-label="Pictures">${r.stream_profile} stream, ${r.fps} a second, ${r.width} wide</td>
        <td data-label="Done by">${t.get(r.id)??(r.enabled?s`<span class="warnline"><${f} name="warn" size=${14} /> nobody</span>`:"–")}</td>
        <td class="actions"><button type="button" class="button small" disabled=${b.value} onClick=${()=>i(r)}>${r.enabled?"Switch off":"Switch on"}<span class="sr"> ${r.task_type} on ${V(r.camera_id)}</span></button>
          <button type="button" class="button small" disabled=${b.value} onClick=${()=>a(r)}>Change…<span class="sr"> ${r.task_type} on ${V(r.camera_id)}</span></button>
          <button type="button" class="button small" disabled=${b.value} onClick=${()=>o(r)}>Remove…<span class="sr"> ${r.task_type} on ${V(r.camera_id)}</span></button></td></tr>`)}</tbody></table></div>`:s`<p class="muted">None yet. A task says what is looked for on a camera; a worker, a program on another machine or this one, does it.</p>`}
    <p><button type="button" class="button" disabled=${b.value||!D.value.length} onClick=${()=>a("new")} data-testid="task-add">Add a task…</button></p>`}function wt({list:e}){return e.length?s`<h3>Pictures for them</h3><div class="table-box"><table class="table stackable" data-testid="samplers">
    <thead><tr><th scope="col">Camera</th><th scope="col">State</th><th scope="col">Pictures</th><th scope="col">Last one</th><th scope="col">Restarts</th></tr></thead>
    <tbody>${e.map(t=>s`<tr key=${t.camera_id+t.stream_profile} data-testid="sampler-${t.camera_id}-${t.stream_profile}"><th scope="row">${V(t.camera_id)} <small class="muted">${t.stream_profile}</small></th>
      <td data-label="State"><span class="tag ${t.state==="sampling"?"tag-good":t.state==="connecting"||t.state==="stopped"?"":"tag-bad"}"><${f} name=${t.state==="sampling"?"check":t.state==="connecting"?"clock":"warn"} size=${14} />${kt[t.state]??t.state}</span>${t.reason&&s`<small class="why">${O(t.reason)}</small>`}</td>
      <td data-label="Pictures">${t.fps?`${Math.round(t.fps*10)/10} a second, ${t.width} wide`:"–"}</td><td data-label="Last one">${t.last_frame_at?Z(B.value-Date.parse(t.last_frame_at)):"none yet"}</td><td data-label="Restarts" class="mono">${t.restarts??0}</td></tr>`)}</tbody></table></div>`:null}function _t({list:e}){return s`<h3>Workers</h3>
    ${e.length?s`<div class="table-box"><table class="table stackable" data-testid="workers">
      <thead><tr><th scope="col">Worker</th><th scope="col">Key</th><th scope="col">Last heard</th><th scope="col">Tasks</th><th scope="col">Until</th></tr></thead>
      <tbody>${e.map(t=>s`<tr key=${t.key_id+t.worker_id} data-testid="worker-${t.worker_id}"><th scope="row">${t.worker_id} ${t.live?s`<span class="tag tag-good"><${f} name="check" size=${14} />there</span>`:s`<span class="tag tag-bad"><${f} name="warn" size=${14} />silent</span>`}</th>
        <td data-label="Key">${t.key_name||s`<span class="mono">${t.key_id}</span>`}</td><td data-label="Last heard">${Z(B.value-Date.parse(t.seen_at))}</td>
        <td data-label="Tasks">${P((t.leases??[]).reduce((a,o)=>a+o.task_ids.length,0),"task")}</td>
        <td data-label="Until" class="mono">${(t.leases??[]).map(a=>re(Date.parse(a.expires_at),M.value)).join(", ")||"–"}</td></tr>`)}</tbody></table></div>`:s`<p class="muted">None has called yet. A worker needs this recorder’s address and a key with the role worker: ${ie(S.value?.role)?s`<a href="#/settings/keys">make one in the settings</a>`:"an administrator makes one"}.</p>`}`}function xt({t:e,onClose:t}){let[a,o]=p(e?.camera_id??D.value[0]?.id??""),[n,i]=p(e?.task_type??"detection"),[r,l]=p(e?.stream_profile??"sub"),[c,h]=p(String(e?.fps??5)),[m,x]=p(String(e?.width??640)),[d,$]=p(JSON.stringify(e?.config??{})),[R,w]=p(e?.enabled??!0),[C,I]=p({}),[j,q]=p(!1),u=async _=>{_.preventDefault();let L;try{if(L=JSON.parse(d||"{}"),typeof L!="object"||L===null||Array.isArray(L))throw 0}catch{return I({config:'This is not a JSON object, as {"classes": ["person"]}.'})}let E={task_type:n.trim(),stream_profile:r,fps:Number(c.replace(",",".")),width:Number(m),config:L,enabled:R};if(!(E.fps>=.1&&E.fps<=30))return I({fps:"Enter a number from 0.1 to 30."});if(!(E.width>=160&&E.width<=3840))return I({width:"Enter a number from 160 to 3840."});q(!0);try{e?await F.change(e.id,je(E,{task_type:e.task_type,stream_profile:e.stream_profile,fps:e.fps,width:e.width,config:e.config??{},enabled:e.enabled})):await F.add(a,E),t()}catch(J){let Te=J;I({[Te.field??"form"]:Te.message})}finally{q(!1)}},k=Object.entries(C).filter(([_])=>!["task_type","stream_profile","fps","width","config"].includes(_)).map(([,_])=>_).join(" ");return s`<${We} title=${e?"Change the task":"Add a task"} onClose=${t} testid="task-dialog"><form class="ask" onSubmit=${u}>
    ${e?s`<p>${e.task_type} on ${V(e.camera_id)}, from the ${e.stream_profile} stream</p>`:s`<${we} id="task-camera" label="Camera" value=${a} onPick=${o} options=${D.value.map(_=>[_.id,_.name])} />`}
    ${!e&&s`<${H} id="task_type" label="Looks for" value=${n} onInput=${i} error=${C.task_type} mono testid="task-type" hint="What your workers know it by, as detection or anpr." />
    <${we} id="stream_profile" label="From" value=${r} onPick=${l} error=${C.stream_profile} options=${[["sub","The sub stream"],["main","The main stream"]]} />`}
    <div class="pair"><${H} id="fps" label="Pictures a second" value=${c} onInput=${h} error=${C.fps} inputmode="decimal" testid="task-fps" />
      <${H} id="width" label="Width, pixels" value=${m} onInput=${x} error=${C.width} inputmode="numeric" testid="task-width" /></div>
    <${H} id="config" label="For the worker" required=${!1} value=${d} onInput=${$} error=${C.config} mono testid="task-config" hint="A JSON object that workers are handed as it is." />
    <${K} id="task-on" label="Switched on" checked=${R} onChange=${w} testid="task-on" />
    <div role="alert">${k&&s`<p class="form-error"><${f} name="warn" />${k}</p>`}</div>
    <div class="dialog-foot"><button type="button" class="button" onClick=${t}>Cancel</button><button type="submit" class="button primary" disabled=${j||!n.trim()||!a} data-testid="task-save">Save</button></div>
  </form><//>`}var Ge=[{state:"recording",status:"solid",fault:"off",means:"Everything is in order"},{state:"starting",status:"blink",fault:"off",means:"It starts, or waits for its cameras"},{state:"updating",status:"fast",fault:"off",means:"An update is being installed: leave the power on"},{state:"degraded",status:"pulse",fault:"blink",means:"It records, but something needs a look: the panel says what"},{state:"fault",status:"fast",fault:"solid",means:"Nothing is recorded, or the disk fails: look at once"},{state:"stopped",status:"off",fault:"off",means:"It stopped cleanly: the disks are safe to unplug"}],ue={solid:"on",off:"off",blink:"blinking",fast:"blinking fast",pulse:"flashing"},Q=[{ms:1e4,name:"Hold 10 s",does:"Opens the setup window for 15 minutes: the console shows a code that makes an admin, or gives one another password; failed sign-ins are forgiven"},{ms:3e3,name:"Hold 3 s",does:"Stops cleanly and makes the disk safe to unplug"},{ms:0,name:"Press",does:"Keeps the last 5 minutes of every camera"}];var Ct=["red","green","blue","amber","yellow","white","orange"],_e=e=>Q.find(t=>e>=t.ms)??Q[Q.length-1];function Qe(){let e=v.value.board;return s`<section class="card board" aria-labelledby="board-h"><h2 id="board-h">Board</h2>
    <div class="board-face">
      ${(e.leds??[]).length>0&&s`<ul class="leds">${(e.leds??[]).map(t=>s`<${Mt} key=${t.name} l=${t} />`)}</ul>`}
      <${Rt} />
      <${Et} />
      ${(e.buttons??[]).map(t=>e.board==="sim"&&ie(S.value?.role)?s`<${It} key=${t.name} b=${t} />`:s`<${St} key=${t.name} b=${t} />`)}
      ${e.board==="generic"&&s`<p class="muted small" data-testid="board-unknown">This machine is no board that is known here. It records all the same; lights and a button can be named in its configuration.</p>`}
      ${(e.leds??[]).length>0&&s`<${Tt} />`}
      ${!e.leds?.length&&!e.buttons?.length&&s`<p class="muted">This board reports no lights and no buttons.</p>`}
    </div>
  </section>`}var qe=()=>s`<dl class="press-does">${[...Q].reverse().map(e=>s`<div key=${e.ms}><dt>${e.name}</dt><dd>${e.does}</dd></div>`)}</dl>`;function St({b:e}){return s`<div class="press-ways"><p class="press-says"><b>${e.label||e.name}</b></p><${qe} /></div>`}var Tt=()=>s`<details class="lights-mean" data-testid="lights-mean"><summary>What the lights say</summary>
  <div class="table-box"><table class="table"><thead><tr><th scope="col">Status</th><th scope="col">Fault</th><th scope="col">Means</th></tr></thead>
    <tbody>${Ge.map(e=>s`<tr key=${e.state}><td>${ue[e.status]}</td><td>${ue[e.fault]}</td><td>${e.means}</td></tr>`)}</tbody></table></div></details>`;function Mt({l:e}){let t=Ct.includes((e.color??"").toLowerCase())?e.color.toLowerCase():"white",a=e.on===!1&&e.pattern==="solid"?"off":e.pattern;return s`<li class="led" data-testid="led-${e.name}" data-pattern=${a}>
    <span class="led-lens led-${t} led-p-${a}" aria-hidden="true"></span>
    <span><b>${e.label||e.name}</b><small>${ue[a]??a}</small></span>
  </li>`}function Et(){let e=v.value.board.temperatures??[];return e.length===0?null:s`<p class="muted small" data-testid="temperatures">${e.map(t=>`${t.name} ${t.celsius} °C`).join(" · ")}</p>`}function Rt(){let e=v.value.board.watchdog;if(!e)return null;let t=Math.max(0,e.left_s-(b.value?0:(oe.value-v.value.boardAt)/1e3)),a=e.timeout_s>0?Math.min(1,t/e.timeout_s):0,o=2*Math.PI*17;return s`<div class="dog" data-testid="watchdog">
    <svg width="44" height="44" viewBox="0 0 44 44" aria-hidden="true"><circle class="dog-track" cx="22" cy="22" r="17" /><circle class="dog-left ${a<.34?"is-low":""}" cx="22" cy="22" r="17"
      stroke-dasharray=${o} stroke-dashoffset=${o*(1-a)} /></svg>
    <span><b>Watchdog</b><small>${Math.ceil(t)} s of ${e.timeout_s} s left${e.resets!==void 0?`, ${e.resets} ${e.resets===1?"reset":"resets"}`:""}</small>
      ${e.hung&&e.hung.length>0&&s`<small data-testid="watchdog-hung">It restarted the machine${e.hung_at?` at ${N(Date.parse(e.hung_at),M.value)}`:""}: ${e.hung.map(n=>`${n.check}: ${n.reason}`).join("; ")}</small>`}</span>
  </div>`}function Ke(e,t){if(!Fe.send("board.press",{button:e.name,ms:Math.round(t)})){g("error","Not connected: the button was not pressed.");return}g("info",`${e.label||e.name}: ${_e(t).name.toLowerCase()}. ${_e(t).does}.`)}function It({b:e}){let[t,a]=p(null),o=U(0),n=U(0);T(()=>()=>clearInterval(n.current),[]);let i=()=>{o.current||b.value||(o.current=performance.now(),a(0),n.current=window.setInterval(()=>a(performance.now()-o.current),50))},r=m=>{if(!o.current)return;let x=performance.now()-o.current;o.current=0,clearInterval(n.current),a(null),m&&Ke(e,Math.max(100,x))},l=m=>{m.key!==" "&&m.key!=="Enter"||(m.preventDefault(),m.type==="keydown"&&!m.repeat&&i(),m.type==="keyup"&&r(!0))},c=m=>{m.button===0&&(m.currentTarget.setPointerCapture(m.pointerId),i())},h=2*Math.PI*34;return s`<div class="press">
    <button type="button" class="press-cap ${t!==null?"is-down":""}" disabled=${b.value} data-testid="board-button-${e.name}"
      aria-label="${e.label||e.name}: press, or hold 3 or 10 seconds" onKeyDown=${l} onKeyUp=${l} onBlur=${()=>r(!1)}
      onPointerDown=${c} onPointerUp=${()=>r(!0)} onPointerCancel=${()=>r(!1)} onContextMenu=${m=>m.preventDefault()}>
      <svg viewBox="0 0 76 76" aria-hidden="true"><circle class="press-track" cx="38" cy="38" r="34" /><circle class="press-held" cx="38" cy="38" r="34"
        stroke-dasharray=${h} stroke-dashoffset=${h*(1-Math.min(1,(t??0)/1e4))} /></svg>
      <span>${t===null?e.label||e.name:`${(t/1e3).toFixed(1)} s`}</span>
    </button>
    <div class="press-ways">
      <p class="press-says" role="status">${t===null?"Press and hold as on the box, or choose:":`Let go: ${_e(t).does.toLowerCase()}`}</p>
      <div class="press-row">${[...Q].reverse().map(m=>s`<button type="button" key=${m.ms} class="button small" disabled=${b.value} title=${m.does}
        onClick=${()=>Ke(e,m.ms||100)} data-testid="board-${e.name}-${m.ms}">${m.name}</button>`)}</div>
      <${qe} />
    </div>
  </div>`}function Je(e){let t=e.parts.filter(a=>a.fs);return t.length===0?"nothing that is known":t.map(a=>a.label?`${a.label} (${a.fs})`:a.fs).join(", ")}var Lt=e=>!e.busy&&!e.working&&e.parts.some(t=>t.fs==="ext4"&&!t.mount),Dt=e=>e.volumes.filter(t=>!e.disks.some(a=>a.volume===t&&a.parts.some(o=>o.mount))),Nt=()=>v.value.events.find(e=>e.type.startsWith("disk_")||e.type.startsWith("volume_"))?.seq;function Xe(){let[e,t]=p(null),[a,o]=p(null),[n,i]=p(""),r=S.value?.role==="admin",l=Nt(),c=()=>X.list().then(t).catch(()=>t(null));if(T(()=>{r&&c()},[r,l]),!r||!e||e.volumes.length===0)return null;let h=Dt(e),m=async(d,$)=>{try{await X.use(d.name,$),g("good",`The disk is used for ${$} now.`)}catch(R){g("error",R.message)}c()},x=d=>d.working?s`<span class="muted">Being prepared…</span>`:d.volume&&d.parts.some($=>$.mount)?s`<button type="button" class="button" disabled=${b.value} onClick=${()=>i(d.volume??"")} data-testid="disk-remove-${d.name}">Remove safely</button>`:d.busy?s`<span class="muted small">${d.busy}</span>`:s`${Lt(d)&&h.map($=>s`<button type="button" class="button" key=${$} disabled=${b.value} onClick=${()=>m(d,$)} data-testid="disk-use-${d.name}">Use for ${$}</button> `)}
      ${h.length>0&&s`<button type="button" class="button" disabled=${b.value} onClick=${()=>o(d)} data-testid="disk-prepare-${d.name}">Erase and prepare…</button>`}`;return s`<section class="card span2" aria-labelledby="machine-disks-h"><h2 id="machine-disks-h">Disks of this machine</h2>
    ${h.length>0&&s`<p class="muted small">${h.length===1?`${h[0]} has no disk`:`${h.join(", ")} have no disk`}: plug one in, and choose it here. Nothing is erased that you do not name.</p>`}
    <div class="table-box"><table class="table stackable" data-testid="machine-disks">
      <thead><tr><th scope="col">Disk</th><th scope="col">Size</th><th scope="col">On it</th><th scope="col">Used for</th><th scope="col"><span class="sr">What may be done</span></th></tr></thead>
      <tbody>${e.disks.map(d=>s`<tr key=${d.name} data-testid="machine-disk-${d.name}">
        <th scope="row">${d.model||d.name} <small class="muted">${[d.model?d.name:"",d.serial].filter(Boolean).join(", ")}</small></th>
        <td data-label="Size">${y(d.bytes)}</td><td data-label="On it">${Je(d)}</td><td data-label="Used for">${d.volume??"–"}</td>
        <td class="actions">${x(d)}</td></tr>`)}</tbody>
    </table></div>
    ${a&&s`<${Ot} d=${a} free=${h} onClose=${()=>{o(null),c()}} />`}
    ${n&&s`<${At} volume=${n} onClose=${()=>{i(""),c()}} />`}
  </section>`}function Ot({d:e,free:t,onClose:a}){let[o,n]=p(t[0]??""),[i,r]=p(""),l=async()=>{await X.prepare(e.name,o,i),g("info","The disk is being prepared; it is used as soon as it is ready.")};return s`<${A} title="Erase ${e.model||e.name}?" verb="Erase and prepare" keep="Leave it as it is" ready=${i===e.phrase} act=${l} onClose=${a} testid="erase">
    <p>Everything on this disk of ${y(e.bytes)} will be gone: ${Je(e)}.</p>
    ${t.length>1&&s`<label class="field">For <select value=${o} onChange=${c=>n(c.target.value)}>${t.map(c=>s`<option key=${c}>${c}</option>`)}</select></label>`}
    <${ce} phrase=${e.phrase} typed=${i} onType=${r} testid="erase-phrase">to say that this is the one<//>
  <//>`}function At({volume:e,onClose:t}){return s`<${A} title="Remove the disk of ${e}?" verb="Remove safely" keep="Keep it" waits="Wait…" act=${async()=>{await X.remove(e),g("good",`The disk of ${e} may be unplugged now.`)}} onClose=${t} testid="remove-disk">
    <p>What is being recorded to it is written to its end first. Its cameras go on on another disk, if there is one; its footage is shown again when it is plugged in again.</p>
  <//>`}var me=ae(0);async function pe(e,t){Y.value=null,await be("POST",e,t),me.value++}var G={get:()=>be("GET","/system/update"),fetch:(e,t)=>pe("/system/update",{url:e,allow_older:t.older,restart:t.restart}),restart:()=>pe("/system/restart",{}),powerOff:()=>pe("/system/poweroff",{}),reset:(e,t)=>pe("/system/reset",{confirm:e,footage:t})},Ze=e=>`/system/log?lines=${e.lines}&level=${e.level}&previous=${e.previous}`,xe={read:async e=>(await Le("GET",Ze(e))).text(),url:e=>fe+Ze(e)};function Pt(e,t,a,o){let n=`/system/update?allow_older=${t.older}&restart=${t.restart}`;return new Promise((i,r)=>{let l=new XMLHttpRequest;l.upload.onprogress=c=>a(c.total>0?c.loaded/c.total:0),l.upload.onload=()=>a(1),l.onload=()=>l.status>=200&&l.status<300?i():r(Ie(l.status,n,Bt(l.responseText))),l.onerror=()=>r(Re()),l.onabort=()=>r(new DOMException("Stopped","AbortError")),o.addEventListener("abort",()=>l.abort()),l.open("POST",fe+n),l.setRequestHeader("Content-Type","application/octet-stream"),l.send(e)})}function Bt(e){try{return JSON.parse(e)}catch{return null}}var z=ae(null),Y=ae(null);async function Ye(e,t){let a=new AbortController;Y.value=null,z.value={name:e.name,bytes:e.size,share:0,stop:()=>a.abort()};try{await Pt(e,t,o=>z.value&&(z.value={...z.value,share:o}),a.signal)}catch(o){let n=o;n.name!=="AbortError"&&(Y.value={code:String(n.code??""),reason:n.message})}finally{z.value=null,me.value++}}var Wt={signature:"It is not signed by whoever makes this recorder, or somebody changed it.",board:"It is made for another board.",older:"It is older than what runs now. Allow an older version if that is what you want.",damaged:"It is damaged or not whole. Get it again."};function et(e,t){let a=Wt[e],o=O(t);return[a,o!==a&&o].filter(Boolean).join(" ")||"It could not be installed."}function tt(e){let t=e.version||"a system that does not tell its version";switch(e.state){case"empty":return"nothing";case"good":return`${t}, to fall back to`;case"ready":return`${t}, tried at the next start`;case"failed":return`${t}, which did not prove itself`;default:return t}}function Ft(e){let t=Math.max(0,Math.ceil(e/1e3));return`${Math.floor(t/60)}:${String(t%60).padStart(2,"0")}`}function st(e,t){let a=Date.parse(e.until);return`This version is proving itself${Number.isFinite(a)?`: ${Ft(a-t)} left`:""}${e.waiting_for?`, waiting for ${e.waiting_for}`:""}.`}function at(e){let t=[e.line>0?`line ${e.line}`:"",e.key].filter(Boolean).join(", ");return O(t?`${t}: ${e.reason}`:e.reason)}function ot(e){return/^(?:time=\S+ )?level=(DEBUG|INFO|WARN|ERROR)\b/.exec(e)?.[1].toLowerCase()??""}var zt=[["debug","Everything"],["info","Information and above"],["warn","Warnings and errors"],["error","Errors"]],jt=200;function nt(){let[e,t]=p(!1);return s`<div class="log">
    <p><button type="button" class="button" aria-expanded=${e} onClick=${()=>t(!e)} data-testid="log-open">${e?"Hide the log":"Show the log"}</button></p>
    ${e&&s`<${Ut} />`}
  </div>`}function Ut(){let[e,t]=p({lines:jt,level:"info",previous:!1}),[a,o]=p(null),[n,i]=p(!1),r=U(null),{busy:l,error:c,go:h}=Ue(),m=()=>h(async()=>{try{o((await xe.read(e)).split(`
`).filter(Boolean))}catch(d){if(!(d instanceof W&&d.status===501))throw d;i(!0)}});if(T(()=>{m()},[e]),T(()=>{r.current&&(r.current.scrollTop=r.current.scrollHeight)},[a]),n)return s`<p class="muted" role="status" data-testid="log-none">This recorder does not keep its log: whoever runs it does.</p>`;let x={...e,lines:2e4};return s`
    <div class="press-row log-tools">
      <label class="pick small">Level <select value=${e.level} onChange=${d=>t({...e,level:d.target.value})} data-testid="log-level">
        ${zt.map(([d,$])=>s`<option key=${d} value=${d}>${$}</option>`)}</select></label>
      <label class="pick small">Of <select value=${e.previous?"before":"now"} onChange=${d=>t({...e,previous:d.target.value==="before"})} data-testid="log-run">
        <option value="now">this run</option><option value="before">the runs before</option></select></label>
      <button type="button" class="button small" disabled=${l||b.value} onClick=${m} data-testid="log-again">Read again</button>
      <a class="button small" href=${xe.url(x)} download="vedette${e.previous?"-before":""}.log" data-testid="log-download"><${f} name="download" size=${16} />Download all</a>
    </div>
    <${de} error=${c} />
    ${a&&s`<pre ref=${r} class="log-lines mono" tabIndex=${0} role="region" aria-label="The newest lines of the log" data-testid="log-lines">${a.length===0?"Nothing was logged.":a.map((d,$)=>s`<span key=${$} class="log-${ot(d)}">${d}${`
`}</span>`)}</pre>`}`}var Ht=512*2**20;function rt({onClose:e,onFile:t}){let[a,o]=p("file"),[n,i]=p(null),[r,l]=p(""),[c,h]=p(!1),[m,x]=p("now"),d=n!==null&&n.size>Ht,$=async()=>{let w={older:c,restart:m==="now"};if(a==="file")return void t(n,w);await G.fetch(r.trim(),w),g("info","The update is being fetched.")},R=a==="file"?n!==null&&n.size>0&&!d:r.trim()!=="";return s`<${A} title="Update the system" verb="Install" danger=${!1} ready=${R} act=${$} onClose=${e} testid="update">
    <p class="muted">It is installed beside the version that runs, while recording goes on. If the new one does not record as this one does, the recorder goes back by itself.</p>
    <${ve} label="Where the update is" value=${a} onPick=${o} options=${[{value:"file",label:"A file"},{value:"url",label:"An address"}]} testid="update-from" />
    ${a==="file"?s`<div class="field ${d?"field-bad":""}"><label for="update-file">Bundle, a file that ends with .raucb</label>
          <input id="update-file" type="file" accept=".raucb" class="file" onChange=${w=>i(w.target.files?.[0]??null)} aria-invalid=${d?"true":void 0} data-testid="update-file" />
          ${d&&s`<p class="field-error" role="alert"><${f} name="warn" size=${16} />This file is too large to be one.</p>`}</div>`:s`<${H} id="update-url" label="Address" value=${r} onInput=${l} type="url" placeholder="https://" mono testid="update-url" />`}
    <${K} id="update-older" label="Allow an older version" checked=${c} onChange=${h} testid="update-older"
      hint=${c?"Beware: it lacks what was repaired since, and may not understand the settings of the newer one.":"Off: only a newer one is installed."} />
    <div class="field"><span id="update-when-h">Restart into it</span>
      <${ve} label="Restart into it" value=${m} onPick=${x} options=${[{value:"now",label:"As soon as it is installed"},{value:"later",label:"Later"}]} testid="update-when" /></div>
  <//>`}var Vt=()=>v.value.events.find(e=>/^(update|system|trial|slot|setup)_/.test(e.type))?.seq;function lt(){let[e,t]=p(null),a=S.value?.role==="admin",o=Vt();return T(()=>{if(!a)return t(null);let n=0,i=!0,r=async l=>{let c=l;try{c=await G.get()}catch(h){h instanceof W&&h.status>=400&&(c=null)}i&&(t(c),(c?.busy||c?.trial)&&(n=window.setTimeout(()=>{r(c)},1e3)))};return r(e),()=>{i=!1,clearTimeout(n)}},[a,o,v.value.boot,b.value,me.value]),a?e:null}function it({m:e}){let t=e?.setup?.errors??[];if(t.length===0)return null;let a=e?.setup?.applied_at?Date.parse(e.setup.applied_at):NaN;return s`<div class="overall overall-degraded" role="status" data-testid="setup-mistakes">
    <${f} name="warn" /><b>${t.length===1?"A line":"Some"} of the card's vedette.toml was not taken${Number.isFinite(a)?s` <span class="small">(${N(a,M.value)})</span>`:""}</b>
    <ul>${t.map(o=>s`<li key="${o.line}-${o.key}">${at(o)}</li>`)}</ul>
  </div>`}function dt({m:e}){let[t,a]=p("");if(S.value?.role!=="admin")return null;let o=()=>a(""),n=v.value,i=b.value||z.value!==null||e?.busy===!0,r=(l,c,h)=>s`<button type="button" class="button" disabled=${h} onClick=${()=>a(l)} data-testid="machine-${l}">${c}</button>`;return s`<section class="card span2 machine" aria-labelledby="machine-h" data-testid="machine"><h2 id="machine-h">System</h2>
    <dl class="facts">
      <div><dt>Version</dt><dd data-testid="machine-version">${e?.version||n.system.version||n.version||"not known"}${e?.slot&&s` <span class="muted">in slot ${e.slot}, ${e.board}</span>`}</dd></div>
      ${e?.other&&s`<div><dt>Slot ${e.other.slot}</dt><dd data-testid="machine-other">${tt(e.other)}</dd></div>`}
    </dl>
    ${e?.trial&&s`<p class="warnline" role="timer" data-testid="machine-trial"><${f} name="clock" size=${16} /> ${st(e.trial,B.value)} <span class="muted">If it does not, the recorder goes back to the version before.</span></p>`}
    <${Gt} m=${e} />
    ${e&&s`<p class="press-row">
      ${e.supported&&r("update","Update…",i||e.trial!==void 0)}
      ${r("restart","Restart…",i)}${r("off","Power off…",i)}
      ${e.reset_phrase&&r("reset","Factory reset…",i)}
    </p>`}
    <${nt} />
    ${t==="update"&&s`<${rt} onClose=${o} onFile=${Ye} />`}
    ${t==="restart"&&s`<${A} title="Restart this recorder?" verb="Restart" act=${Ce(G.restart,"The recorder restarts. This page is linked again by itself.")} onClose=${o} testid="restart">
      <p>What is being recorded is written to its end first. Nothing is recorded until it is back, in about half a minute.</p><//>`}
    ${t==="off"&&s`<${A} title="Power this recorder off?" verb="Power off" act=${Ce(G.powerOff,"The recorder switches itself off. Its lights tell when its disks may be unplugged.")} onClose=${o} testid="poweroff">
      <p>What is being recorded is written to its end first. To start it again somebody has to be there, to cut its power and bring it back.</p><//>`}
    ${t==="reset"&&e?.reset_phrase&&s`<${Kt} phrase=${e.reset_phrase} onClose=${o} />`}
  </section>`}var Ce=(e,t)=>async()=>{await e(),g("info",t)};function Gt({m:e}){let t=z.value,a=Y.value??e?.error;if(t){let o=Math.floor(t.share*100);return s`<div class="machine-progress" data-testid="update-sending">
      <p role="status">${t.share<1?`Sending ${t.name}, ${y(t.bytes)}`:`Checking ${t.name}…`}</p>
      <progress max="100" value=${t.share<1?o:void 0} aria-label="Sent">${o} %</progress>
      ${t.share<1&&s`<span class="mono">${o} %</span> <button type="button" class="button small" onClick=${t.stop} data-testid="update-stop">Stop</button>`}
    </div>`}return e?.busy?s`<div class="machine-progress" data-testid="update-installing">
    <p role="status">${e.message||"An update is being installed."} <span class="muted">Recording goes on.</span></p>
    <progress max="100" value=${e.percent} aria-label="Installed">${e.percent} %</progress><span class="mono">${e.percent} %</span>
  </div>`:a?s`<div data-testid="update-refused" data-code=${a.code}><${de} error="The update was not installed. ${et(a.code,a.reason)}" /></div>`:e?.other?.state==="ready"?s`<p data-testid="update-ready"><${f} name="check" size=${16} /> ${e.other.version} is installed. It is tried at the next start.</p>`:null}function Kt({phrase:e,onClose:t}){let[a,o]=p(""),[n,i]=p(!1);return s`<${A} title="Reset to how it came?" verb=${n?"Wipe everything":"Wipe settings"} ready=${a===e} onClose=${t} testid="reset"
      act=${Ce(()=>G.reset(a,n),"The recorder wipes itself and restarts. It is claimed anew with the code it prints.")}>
    <p>Accounts, cameras with their passwords, settings and the event log will be gone. The recorder has no owner then, and whoever has its claim code may take it.</p>
    <${K} id="reset-footage" label="Footage too" hint=${n?"Everything that was recorded will be gone, kept footage included.":"It stays on its disk."} checked=${n} onChange=${i} testid="reset-footage" />
    <${ce} phrase=${e} typed=${a} onType=${o} testid="reset-phrase">to say that you mean it<//>
  <//>`}var se=[{key:"floor_bytes",label:"Floor"},{key:"high_bytes",label:"High mark"},{key:"reserve_bytes",label:"Reserve"},{key:"cap_bytes",label:"Cap"}],he=[{key:"age_hours",label:"Deleted after"},{key:"quota_bytes",label:"Quota"},{key:"keep_hours",label:"Kept at least"}],ee=1e9,ct=e=>String(Math.round(e*1e3)/1e3),Se=e=>e.endsWith("_bytes")?"GB":"days";function te(e,t){return t==null?"":e.endsWith("_bytes")?t<ee?`${ct(t/1e6)} MB`:ct(t/ee):t%24===0?String(t/24):`${t} h`}function Qt(e,t){let a=t.trim().toLowerCase().replace(",",".");if(a==="")return null;let o=/^(\d+(?:\.\d+)?)\s*([a-z]*)$/.exec(a);if(!o)return NaN;let n=Number(o[1]);if(e.endsWith("_bytes"))return Math.round(n*({"":ee,gb:ee,mb:1e6,tb:1e12}[o[2]]??NaN));let i=n*({"":24,d:24,day:24,days:24,h:1,hour:1,hours:1}[o[2]]??NaN);return Math.abs(i-Math.round(i))<1e-6?Math.round(i):NaN}function $e(e){let t={};for(let[a,o]of Object.entries(e.volumes??{}))for(let n of se)t[`volumes.${a}.${n.key}`]=te(n.key,o[n.key]);for(let[a,o]of Object.entries(e.cameras??{}))for(let n of he)t[`cameras.${a}.${n.key}`]=te(n.key,o[n.key]);return t}function ut(e,t){let a={},o=(i,r,l)=>{let c=e[`${i}.${r}`]??"";if(c===te(r,l))return l??null;let h=Qt(r,c);return Number.isNaN(h)&&(a[`${i}.${r}`]=r.endsWith("_bytes")?"A number of GB, or with MB or TB.":"A number of days, or of whole hours with h."),h},n={volumes:{},cameras:{}};for(let[i,r]of Object.entries(t.volumes??{}))n.volumes[i]=Object.fromEntries(se.map(l=>[l.key,o(`volumes.${i}`,l.key,r[l.key])]));for(let[i,r]of Object.entries(t.cameras??{}))n.cameras[i]=Object.fromEntries(he.map(l=>[l.key,o(`cameras.${i}`,l.key,r[l.key])]));return{set:n,errors:a}}function pt(e,t){let a=Object.keys($e(e)),o=n=>n.slice(0,n.lastIndexOf("."));return a.some(n=>n===t||o(n)===t)?t:""}function mt(e,t,a){let o=e.in_force?.[t]?.[a];return o?o<ee?te(a,o):`${te(a,o)} GB`:a==="cap_bytes"?"none":"by the disk"}var qt={free_floor:"for free space",age:"by age",quota:"by quota",size_cap:"for the cap"};function $t(){let[e,t]=p(null),[a,o]=p({}),[n,i]=p({}),[r,l]=p(null),[c,h]=p(!1),m=S.value?.role==="admin";if(T(()=>{m&&ne.get().then(u=>{t(u),o($e(u))}).catch(()=>t(null))},[m]),!m||!e)return null;let x=Object.keys(e.volumes??{}),d=Object.keys(e.cameras??{}),$=async u=>{let{set:k,errors:_}=ut(a,e);if(i(_),l(null),Object.keys(_).length>0)return ht(Object.keys(_)[0]);h(!0);try{if(!u)return l(await ne.preview(k));let L=await ne.set(k);t(L),o($e(L)),g("good","Applied: it is in force now.")}catch(L){let E=L instanceof W?L:null,J=E?.field?pt(e,E.field):"";E&&J?(i({[J]:E.message}),ht(J)):g("error",E?.message??"It could not be applied.")}finally{h(!1)}},R=u=>n[u]&&s`<p class="field-error" role="alert" id="${u}-error"><${f} name="warn" size=${14} />${n[u]}</p>`,w=u=>n[u]?`${u}-error`:void 0,C=(u,k,_,L)=>s`<td data-label="${k}, ${Se(u)}" class=${n[u]?"field-bad":""}>
    <input id=${u} value=${a[u]??""} placeholder=${L} aria-label="${k} of ${_}, in ${Se(u)}" aria-invalid=${n[u]?"true":void 0}
      aria-describedby=${w(u)} data-testid=${u} autocomplete="off"
      onInput=${E=>{o({...a,[u]:E.target.value}),l(null)}} />
    ${R(u)}</td>`,I=u=>D.value.find(k=>k.id===u),j=u=>I(u)?.name??u,q=(u,k,_)=>s`<th scope="row" id=${u} tabIndex=${-1} aria-describedby=${w(u)}>${k}${_&&s` <small class="muted">${_}</small>`}
    ${R(u)}</th>`;return s`<section class="card span2 retention" aria-labelledby="retention-h"><h2 id="retention-h">How long footage is kept</h2>
    <p class="muted small">Disks fill up, and then the oldest footage goes. An empty field means the default. Kept footage is never deleted.</p>
    <form onSubmit=${u=>{u.preventDefault(),$(!0)}} data-testid="retention">
      <div class="table-box"><table class="table stackable">
        <thead><tr><th scope="col">Disk</th>${se.map(u=>s`<th scope="col" key=${u.key}>${u.label} <small>GB</small></th>`)}</tr></thead>
        <tbody>${x.map(u=>s`<tr key=${u}>${q(`volumes.${u}`,u,e.in_force?.[u]?"":"not there")}
          ${se.map(k=>C(`volumes.${u}.${k.key}`,k.label,u,mt(e,u,k.key)))}</tr>`)}</tbody>
      </table></div>
      ${d.length>0&&s`<div class="table-box"><table class="table stackable">
        <thead><tr><th scope="col">Camera</th><th scope="col">Deleted after <small>days</small></th><th scope="col">Quota <small>GB</small></th><th scope="col">Kept at least <small>days</small></th></tr></thead>
        <tbody>${d.map(u=>s`<tr key=${u}>${q(`cameras.${u}`,j(u),I(u)?"":"removed; its footage is there")}
          ${he.map(k=>C(`cameras.${u}.${k.key}`,k.label,j(u),k.key==="age_hours"?"as the disk allows":"none"))}</tr>`)}</tbody>
      </table></div>`}
      <p class="press-row">
        <button type="button" class="button" disabled=${c||b.value} onClick=${()=>$(!1)} data-testid="retention-preview">Show what would go</button>
        <button type="submit" class="button primary" disabled=${c||b.value} data-testid="retention-apply">Apply</button></p>
    </form>
    ${r&&s`<${Jt} plan=${r} name=${j} />`}
  </section>`}function Jt({plan:e,name:t}){return s`<div role="status" data-testid="retention-plan">${e.map(a=>s`<div key=${a.volume}>
    <p><b>${a.volume}</b>: ${a.segments===0?"nothing would be deleted.":s`${P(a.segments,"file")}, ${y(a.bytes)}, would be deleted: ${Object.entries(a.bytes_by_rule??{}).filter(([,o])=>o>0).map(([o,n])=>`${y(n)} ${qt[o]??o}`).join(", ")}.`}</p>
    <ul class="muted small">${Object.entries(a.oldest??{}).map(([o,n])=>s`<li key=${o}>${t(o)} ${a.segments>0?"would begin":"begins"} at ${N(Date.parse(n),M.value)}</li>`)}</ul>
  </div>`)}</div>`}function ht(e){setTimeout(()=>document.getElementById(e)?.focus())}function Ha(){let e=v.value,t=lt();return s`<main id="main" class="screen status">
    <header class="screen-head"><h1 tabIndex=${-1}>Status</h1>
      <p class="muted" data-testid="about">${[e.board.name||e.system.board||e.board.board,e.system.version||e.version,e.system.uptime_s!==void 0?`up ${ye(e.system.uptime_s*1e3)}`:""].filter(Boolean).join(" · ")}</p></header>
    <${Zt} />
    <${it} m=${t} />
    <div class="status-grid">
      <${Qe} />
      <div class="status-side">
        <${es} />
        <${ns} />
      </div>
      <${rs} />
      <${Ve} />
      <${Xe} />
      <${is} />
      <${$t} />
      <${dt} m=${t} />
      <${ds} />
    </div>
  </main>`}var Xt={recording:{good:!0,icon:"check",says:"Everything is in order"},starting:{icon:"clock",says:"Starting"},updating:{icon:"clock",says:"Updating"},degraded:{icon:"warn",says:"Something needs a look"},fault:{icon:"cross",says:"Something is wrong"},stopped:{icon:"cross",says:"Not recording"}};function Zt(){let e=v.value.board;if(!e.state)return null;let t=Xt[e.state]??{icon:"info",says:e.state},a=(e.reasons??[]).map(n=>O(n.replace(/^[a-z ]+: /,""))),o=t.good&&!Ee.value.wanted?"In order, but no camera is to be recorded yet":t.says;return s`<div class="overall overall-${e.state}" role="status" data-testid="overall" data-state=${e.state}>
    <${f} name=${t.icon} /><b>${o}</b>
    ${a.length>0&&s`<ul>${a.map(n=>s`<li key=${n}>${n}</li>`)}</ul>`}
  </div>`}function Yt(e){let t=U(null);if(e.write_bytes_per_s)return e.write_bytes_per_s;let a=D.value.reduce((i,r)=>i+(r.state==="recording"?r.bitrate_bps??0:0),0)/8;if(a>0)return a;let o=oe.value;(!t.current||e.footage_bytes<t.current.bytes)&&(t.current={at:o,bytes:e.footage_bytes});let n=(o-t.current.at)/1e3;return n>20?(e.footage_bytes-t.current.bytes)/n:0}function es(){let e=v.value.system.volumes??[];return s`<section class="card" aria-labelledby="disk-h"><h2 id="disk-h">${e.length>1?"Disks":"Disk"}</h2>
    ${e.length===0&&s`<p class="muted">No footage disk.</p>`}
    ${e.map(t=>s`<${["absent","foreign","resting"].includes(t.state)||!t.total_bytes?ts:ss} key=${t.name??t.id} v=${t} named=${e.length>1} />`)}
    ${v.value.system.promise_s?s`<p class="muted small">A power cut costs at most ${v.value.system.promise_s} s of footage.</p>`:null}
  </section>`}var ft={ok:"In order",healthy:"In order",recording:"In order",full:"Full",pressure:"Too full",failed:"Failed",readonly:"Read only",read_only:"Read only",absent:"Not there",foreign:"Another disk",resting:"May be unplugged"},bt=(e,t)=>t&&e.name?s`<b class="disk-name">${e.name}</b> `:null;function ts({v:e,named:t}){let[a,o]=p(!1),n=async()=>{o(!0);try{await De.adopt(e.name??"",e.other??""),g("good","The disk is being taken in use.")}catch(i){g("error",i.message)}finally{o(!1)}};return s`<div class="disk" data-testid="disk-${e.name??e.id}">
    <p class="disk-head">${bt(e,t)}<span class="mono">${e.path??""}</span>
      <span class="tag tag-bad"><${f} name="warn" size=${14} />${ft[e.state]??e.state}</span></p>
    ${e.reason&&s`<p class="disk-says bad">${O(e.reason)}</p>`}
    ${e.state==="foreign"&&e.other&&S.value?.role==="admin"&&s`<p><button class="button" type="button" disabled=${a||b.value} onClick=${n} data-testid="adopt-${e.name}">Use this disk</button>
      <span class="muted small"> Its footage stays and is shown; new footage goes to it.</span></p>`}
  </div>`}function ss({v:e,named:t}){let a=Yt(e),o=e.days_left||Me(e,a),n=Math.max(1,e.total_bytes),i=$=>Math.min(100,Math.max(0,$/n*100)),r=e.total_bytes-e.free_bytes,l=Math.min(e.held_bytes,e.footage_bytes),c=Math.max(0,r-e.footage_bytes),h=e.free_bytes<e.reserve_bytes?"reserve":e.free_bytes<e.floor_bytes?"floor":"",m=["ok","healthy","recording","open","in order"].includes(e.state||"ok"),x=[{k:"other",w:i(c)},{k:"held",w:i(l)},{k:"footage",w:i(e.footage_bytes-l)}],d=0;return s`<div class="disk" data-testid="disk-${e.id}">
    <p class="disk-head">${bt(e,t)}<b>${y(e.free_bytes)} free</b> of ${y(e.total_bytes)} <span class="tag">${e.medium&&e.medium!=="unknown"?e.medium.toUpperCase():"Disk"}</span>
      <span class="tag ${m?"tag-good":"tag-bad"}"><${f} name=${m?"check":"warn"} size=${14} />${ft[e.state]??e.state??"In order"}</span></p>
    <svg class="disk-bar" viewBox="0 0 100 10" preserveAspectRatio="none" role="img" aria-label="${y(e.footage_bytes)} footage, ${y(l)} of it held, ${y(c)} other, ${y(e.free_bytes)} free">
      <rect class="bar-free" x="0" y="0" width="100" height="10" />
      ${x.map($=>{let R=d;return d+=$.w,s`<rect key=${$.k} class="bar-${$.k}" x=${R} y="0" width=${$.w} height="10" />`})}
      <rect class="bar-line bar-high" x=${100-i(e.high_bytes)} y="0" width="0.4" height="10" />
      <rect class="bar-line bar-floor" x=${100-i(e.floor_bytes)} y="0" width="0.4" height="10" />
      <rect class="bar-line bar-reserve" x=${Math.min(99.6,100-i(e.reserve_bytes))} y="0" width="0.4" height="10" />
    </svg>
    <ul class="legend">
      <li><i class="key key-footage"></i>Footage <b>${y(e.footage_bytes-l)}</b></li>
      ${l>0&&s`<li><i class="key key-held"></i>Held <b>${y(l)}</b></li>`}
      <li><i class="key key-other"></i>Other <b>${y(c)}</b></li>
      <li><i class="key key-high"></i>High mark <b>${y(e.high_bytes)}</b></li>
      <li><i class="key key-floor"></i>Floor <b>${y(e.floor_bytes)}</b></li>
      <li><i class="key key-reserve"></i>Reserve <b>${y(e.reserve_bytes)}</b></li>
    </ul>
    ${e.state==="failed"&&e.reason&&s`<p class="disk-says bad">${O(e.reason)}</p>`}
    <p class="disk-says ${h?"bad":""}">${h==="reserve"?s`<${f} name="warn" size=${16} /> Below the reserve: recording on this disk has stopped.`:h==="floor"?s`<${f} name="warn" size=${16} /> Below the floor: the oldest footage is being deleted now.`:o===null?"How long footage is kept shows once the write rate is known.":s`Keeps <b>about ${gt(o)}</b> at ${ke(a*8)}.`}</p>
    <${as} v=${e} />
  </div>`}function as({v:e}){let t=e.wear;if(!t)return null;let a=t.status==="worn"||t.status==="failing",o=t.years_left;return s`<p class="disk-says ${a?"bad":""}" data-testid="wear-${e.id}" data-status=${t.status}>
    ${a&&s`<${f} name="warn" size=${16} /> `}${t.status==="unknown"?`Wear not known: ${t.reason??"the disk does not tell"}.`:t.status==="good"?`The disk says it is well${t.used_percent===void 0?"":`: ${t.used_percent} % of its life is used`}.`:O(t.reason??"The disk is worn")}
    ${o!==void 0&&s` Lasts <b>about ${o>=100?"a lifetime":o<1?P(Math.max(1,Math.round(o*12)),"month"):P(Math.round(o),"year")}</b>${t.estimated?", as such disks usually do":""}.`}
  </p>`}function gt(e){return e<1?P(Math.max(1,Math.round(e*24)),"hour"):e<10?`${e.toFixed(1)} days`:P(Math.round(e),"day")}var os={ntp:"network time",rtc:"the battery clock",network:"network time",sntp:"network time",system:"the operating system",kernel:"the operating system",simulated:"the computer it runs on"};function ns(){let e=v.value,t=e.system.clock,a=M.value,o=Math.abs(e.skew);return s`<section class="card clockcard" aria-labelledby="clock-h"><h2 id="clock-h">Clock</h2>
    <p class="clock-big mono">${re(B.value,a)} <small>${a==="utc"?"UTC":"local"}</small></p>
    <p class=${t?.trusted===!1?"bad":""}><${f} name=${t?.trusted===!1?"warn":"check"} size=${16} />
      ${t===void 0?" Not known":t.trusted?` Trusted${t.source?`, set by ${os[t.source]??t.source}`:""}`:" Not trusted yet: footage is kept and stamped again once it is."}</p>
    ${o>5e3&&s`<p class="warnline"><${f} name="warn" size=${16} /> ${ye(o)} ${e.skew>0?"ahead of":"behind"} this device.</p>`}
  </section>`}function rs(){let e=D.value;return s`<section class="card span2" aria-labelledby="cams-h"><h2 id="cams-h">Cameras</h2>
    ${e.length===0?s`<p class="muted">None yet.</p>`:s`<div class="table-box"><table class="table stackable">
      <thead><tr><th scope="col">Camera</th><th scope="col">State</th><th scope="col">Last written</th><th scope="col">Rate</th><th scope="col">Reaches back</th><th scope="col">Drops</th></tr></thead>
      <tbody>${e.map(t=>s`<${ls} key=${t.id} c=${t} />`)}</tbody>
    </table></div>`}
  </section>`}function ls({c:e}){let t=e.last_written?Date.parse(e.last_written):NaN,a=B.value-t,o=Math.max(0,...(v.value.system.volumes??[]).map(i=>i.camera_days?.[e.id]??0)),n=e.state==="recording"&&a>15e3;return s`<tr data-testid="status-camera-${e.id}">
    <th scope="row"><a href="#/cameras/${encodeURIComponent(e.id)}">${e.name}</a></th>
    <td data-label="State"><${Be} state=${Ae(e)} />${e.state_reason&&e.state!=="recording"&&s`<small class="why">${O(e.state_reason)}</small>`}</td>
    <td data-label="Last written" class=${n?"bad":""}>${Number.isFinite(t)?s`${n&&s`<${f} name="warn" size=${14} /> `}${Z(a)}`:s`<span class="muted">never</span>`}</td>
    <td data-label="Rate" class="mono">${e.bitrate_bps&&Pe(e)?ke(e.bitrate_bps):"–"}</td>
    <td data-label="Reaches back" class="mono">${o>0?gt(o):"–"}</td>
    <td data-label="Drops" class="mono ${e.drops?"warnline":""}">${e.drops??0}</td>
  </tr>`}function is(){let[e,t]=p([]),a=ze(),o=()=>ge.list().then(l=>t(l.reverse())).catch(()=>t([])),n=Oe(S.value?.role);T(()=>{n&&o()},[a,n]);let i=async l=>{try{await ge.release(l.id),g("good","Released: it is deleted when its time comes.")}catch(c){g("error",c instanceof W?c.message:"It could not be released.")}o()};if(e.length===0)return null;let r=le(S.value?.role);return s`<section class="card span2" aria-labelledby="kept-h"><h2 id="kept-h">Kept footage</h2>
    <div class="table-box"><table class="table stackable" data-testid="kept">
      <thead><tr><th scope="col">Cameras</th><th scope="col">From</th><th scope="col">To</th><th scope="col">By</th>${r&&s`<th scope="col"><span class="sr">Release</span></th>`}</tr></thead>
      <tbody>${e.slice(0,100).map(l=>s`<tr key=${l.id} data-testid="kept-${l.id}">
        <th scope="row">${(l.cameras??[]).map(c=>D.value.find(h=>h.id===c)?.name??c).join(", ")}</th>
        <td data-label="From" class="mono">${N(Date.parse(l.from),M.value)}</td>
        <td data-label="To" class="mono">${N(Date.parse(l.to),M.value)}</td>
        <td data-label="By">${Ne(l.by)}${l.reason&&s` <small>${l.reason}</small>`}${l.until&&s` <small>until ${N(Date.parse(l.until),M.value)}</small>`}</td>
        ${r&&s`<td><button type="button" class="button" onClick=${()=>i(l)} data-testid="release-${l.id}">Release</button></td>`}
      </tr>`)}</tbody>
    </table></div>
  </section>`}function ds(){let e=v.value.events;return s`<section class="card span2" aria-labelledby="events-h"><h2 id="events-h">What happened</h2>
    ${e.length===0?s`<p class="muted">Nothing yet.</p>`:s`<ol class="events" data-testid="events">${e.slice(0,100).map(t=>s`<${cs} key=${t.seq} e=${t} />`)}</ol>`}
  </section>`}function cs({e}){let t=D.value.find(n=>n.id===e.camera)?.name??e.camera,a=e.severity==="critical"?"cross":e.severity==="warning"?"warn":"info",o=He(e,t,M.value);return s`<li class="event event-${e.severity}">
    <${f} name=${a} size=${16} /><span class="sr">${e.severity}: </span>
    <time class="mono" dateTime=${e.time}>${N(Date.parse(e.time),M.value)}</time>
    <span class="event-text">${o.text}${o.detail&&s` <small>${o.detail}</small>`}</span>
  </li>`}export{Ha as StatusScreen};
